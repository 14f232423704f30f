"""The files that an installation needs besides our programs, and what renders them."""
