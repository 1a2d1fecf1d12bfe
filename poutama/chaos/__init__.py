"""`poutama chaos`: stops database nodes under load and checks that no write is lost."""
