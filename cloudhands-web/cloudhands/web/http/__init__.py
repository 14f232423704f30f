"""What every page relies on: reading bodies, negotiation, HAL and problems."""
