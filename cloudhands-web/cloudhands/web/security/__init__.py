"""Who is asking and what they may do: sessions, CSRF tokens, permissions, sign-in, throttle."""
