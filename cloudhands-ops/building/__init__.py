"""Makes a release's bundle: what build.sh runs.

Not shipped. What runs before the environment for building is there, `__main__` and what that
imports, needs the standard library alone, and of cloudhands what keeps to the same rule:
`common.errors` and `ops.bundle`.
"""
