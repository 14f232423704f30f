"""What every page relies on: bodies, negotiation, HAL, conditions, creations and problems."""
