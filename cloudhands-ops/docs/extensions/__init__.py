"""What the manual generates from the code itself: commands, settings, scripts."""
