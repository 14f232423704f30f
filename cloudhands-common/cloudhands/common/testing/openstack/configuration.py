"""The configuration files of the services."""

from collections.abc import Mapping

from cloudhands.common.testing.openstack.layout import PASSWORD, REGION, Layout
from cloudhands.common.testing.ports import LOOPBACK

Sections = Mapping[str, Mapping[str, object]]

# 10 vCPUs of this driver are all that the scheduler has: see "No valid host was found".
HYPERVISOR = "fake.MediumFakeDriver"


def write(layout: Layout) -> None:
    """Write every configuration file below the new folder `layout.etc`."""
    layout.etc.mkdir(parents=True)
    for name, sections in _files(layout).items():
        (layout.etc / name).write_text(_ini(sections), encoding="utf-8")
    (layout.etc / "enabled_plugins").write_text("[].\n", encoding="utf-8")
    paste = (layout.venv / "etc/nova/api-paste.ini").read_text(encoding="utf-8")
    (layout.etc / "api-paste.ini").write_text(paste, encoding="utf-8")
    listen = f"listeners.tcp.1 = {LOOPBACK}:{layout.port('rabbitmq')}\n"
    (layout.etc / "rabbitmq.conf").write_text(listen, encoding="utf-8")


def _files(at: Layout) -> Mapping[str, Sections]:
    return {
        "keystone.conf": _keystone(at),
        "glance-api.conf": _glance(at),
        "placement.conf": _placement(at),
        "nova.conf": _nova(at),
        "compute.conf": {"DEFAULT": {"host": "cpu1"}},
        "neutron.conf": _neutron(at),
        "ml2.ini": ML2,
    }


def _ini(sections: Sections) -> str:
    return "".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for section, keys in sections.items()
    )


def _auth(at: Layout, user: str) -> Mapping[str, object]:
    return {
        "auth_url": at.auth_url,
        "auth_type": "password",
        "project_domain_id": "default",
        "user_domain_id": "default",
        "project_name": "service",
        "username": user,
        "password": PASSWORD,
        "region_name": REGION,
    }


def _tokens(at: Layout, user: str) -> Mapping[str, object]:
    own = {"www_authenticate_uri": at.auth_url, "service_token_roles_required": "true"}
    return {**_auth(at, user), **own}


def _keystone(at: Layout) -> Sections:
    return {
        "database": {"connection": at.database("keystone")},
        "token": {"provider": "fernet"},
        "fernet_tokens": {"key_repository": at.run / "keys"},
        "credential": {"key_repository": at.run / "credential-keys"},
    }


def _glance(at: Layout) -> Sections:
    images = at.run / "images"
    return {
        "DEFAULT": {"enabled_backends": "fs:file"},
        "glance_store": {"default_backend": "fs"},
        "fs": {"filesystem_store_datadir": images},
        "os_glance_staging_store": {"filesystem_store_datadir": images / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": images / "tasks"},
        "database": {"connection": at.database("glance")},
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": at.venv / "etc/glance/glance-api-paste.ini",
        },
        "keystone_authtoken": _tokens(at, "glance"),
    }


def _placement(at: Layout) -> Sections:
    return {
        "placement_database": {"connection": at.database("placement")},
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": _tokens(at, "placement"),
    }


def _nova(at: Layout) -> Sections:
    nova = _auth(at, "nova")
    return {
        "DEFAULT": {
            "state_path": at.run / "nova",
            "instances_path": at.run / "nova/instances",
            "transport_url": at.queue,
            "my_ip": LOOPBACK,
            "compute_driver": HYPERVISOR,
            "vif_plugging_is_fatal": "false",
            "vif_plugging_timeout": 0,
            "resume_guests_state_on_host_boot": "false",
            # There is one host only.
            "allow_resize_to_same_host": "true",
            "initial_cpu_allocation_ratio": 1.0,
            "initial_ram_allocation_ratio": 1.0,
            "initial_disk_allocation_ratio": 1.0,
            "reserved_host_memory_mb": 0,
            "heal_instance_info_cache_interval": 20,
            "update_resources_interval": 20,
            "max_concurrent_builds": 0,
        },
        "api": {"auth_strategy": "keystone"},
        "wsgi": {"api_paste_config": at.etc / "api-paste.ini"},
        "api_database": {"connection": at.database("nova_api"), "max_pool_size": 20},
        "database": {"connection": at.database("nova"), "max_pool_size": 20},
        "oslo_concurrency": {"lock_path": at.run / "nova/lock"},
        "scheduler": {"workers": 1, "max_attempts": 3},
        "conductor": {"workers": 1},
        "filter_scheduler": {"track_instance_changes": "true"},
        "glance": nova,
        "neutron": nova,
        "placement": nova,
        "cinder": nova,
        "service_user": {"send_service_user_token": "true", **nova},
        "key_manager": {"backend": "nova.keymgr.conf_key_mgr.ConfKeyManager"},
        "keystone_authtoken": _tokens(at, "nova"),
    }


def _neutron(at: Layout) -> Sections:
    return {
        "DEFAULT": {
            "state_path": at.run / "neutron",
            "api_paste_config": at.venv / "etc/neutron/api-paste.ini",
            "core_plugin": "ml2",
            "service_plugins": "router",
            "transport_url": at.queue,
            "notify_nova_on_port_status_changes": "true",
            "notify_nova_on_port_data_changes": "true",
            "send_events_interval": 1,
            "rpc_workers": 0,
        },
        "database": {"connection": at.database("neutron")},
        "oslo_concurrency": {"lock_path": at.run / "neutron/lock"},
        "nova": _auth(at, "nova"),
        "placement": _auth(at, "nova"),
        "keystone_authtoken": _tokens(at, "neutron"),
    }


# The driver is the real one; its agent is a row of the database only: see `schemas.AGENT`.
ML2: Sections = {
    "ml2": {
        "type_drivers": "flat,local,vlan,vxlan",
        "tenant_network_types": "vxlan",
        "mechanism_drivers": "openvswitch",
        "extension_drivers": "port_security",
    },
    "ml2_type_vxlan": {"vni_ranges": "1:4000"},
    "ml2_type_flat": {"flat_networks": "public"},
}
