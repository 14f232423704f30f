"""A real OpenStack control plane on loopback: Keystone, Glance, Placement, Nova and Neutron.

Nova runs its own fake hypervisor, Neutron no agents: the interfaces, quotas, schedulers and errors
are the real ones, only the servers are not. `tools/openstack-services.sh` installs it once;
`control.control_plane` starts it with fresh state, in about half a minute.
"""
