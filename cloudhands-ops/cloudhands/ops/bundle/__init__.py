"""A release's bundle: what it holds, and how a host verifies, installs and leaves it.

Much of this runs before anything is installed, straight from the wheels in the bundle. So what
deploy.sh calls imports the standard library, this package and `cloudhands.common.errors` alone.
"""
