"""How a user signs in and what they keep: passwords, sessions, SSH keys, API tokens."""
