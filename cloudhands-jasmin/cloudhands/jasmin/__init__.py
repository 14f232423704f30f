"""One site: its branding, its directory's layout, its providers and its catalogue."""
