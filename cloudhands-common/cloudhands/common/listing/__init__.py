"""What came of listing everything that is ours at each provider."""
