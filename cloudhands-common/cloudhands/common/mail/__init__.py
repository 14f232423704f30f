"""The outbox: mail that is to be sent, written in the transaction of what it tells of."""
