"""Makes a release's bundle: what build.sh runs.

Not shipped. What runs before the environment for building is there (`main`, `asking`, `revision`,
`vendor`, `environment`) imports the standard library and `cloudhands.common.errors` alone.
"""
