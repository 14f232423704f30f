"""Requests of hostile shape, made from a number, and what an answer to one has to be."""
