"""User names that nobody may choose: a machine has them, or people take them for its keeper's."""

_NAMES = """
adm admin administrator backup bin centos cloud-user daemon debian ec2-user fedora ftp games gnats
halt irc list lp mail man messagebus mysql news nobody nogroup ntp openstack operator postgres
postmaster proxy rocky root shutdown sshd staff sudo sync sys syslog systemd-network
systemd-resolve ubuntu users uucp wheel www-data
"""
RESERVED = frozenset(_NAMES.split())
