"""A user's role in an organisation, from invitation to withdrawal."""
