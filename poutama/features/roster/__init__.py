"""Rosters: who is in which class, as schools' systems export it. See `docs/roster.md`."""
