"""A mentor suggests a goal, the student accepts or declines: a feature for Poutama."""
