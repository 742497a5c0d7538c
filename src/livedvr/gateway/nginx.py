"""The gateway's nginx.conf. Pure text; every directive says why it is there."""

from __future__ import annotations

import ipaddress

from livedvr.resources.addresses import split_address
from livedvr.resources.gateway import GATEWAY_APP, Gateway

PUBLISH_PATH = "/publish"

_CONF = """\
# One RTMP port for all channels of livedvr, made by `livedvr gateway nginx`. For Debian's nginx and libnginx-mod-rtmp.
# To change it, stop nginx and start it again: after a reload new publishers and those from before do not meet.

load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
worker_processes 1;                 # publisher and player of a stream have to meet in one process
pid {pid};
error_log stderr error;             # `info` would write stream keys

events {{
    worker_connections 1024;        # two for each publisher: its own, and the one that livedvr pulls
}}

rtmp {{
    access_log off;                 # it would hold stream keys
    max_message 16M;                # a keyframe may be larger than the default of 1 MB
    out_queue 4096;                 # by default pictures are dropped when livedvr's ffmpeg is held up for two seconds

    server {{
{listens}
        application {app} {{
            live on;
            on_publish http://{controller}{path};  # livedvr knows the keys
            allow play 127.0.0.1;   # only livedvr on this machine plays
            deny play all;
            publish_notify on;      # a publisher's end is told to ffmpeg at once
            wait_key on;            # who joins in the middle begins with a keyframe
            meta copy;              # the publisher's own metadata
            drop_idle_publisher 10s;  # one that has gone without a word makes room for its return
        }}
    }}
}}
"""


def nginx_conf(gateway: Gateway, pid: str) -> str:
    """The whole configuration, for ``nginx -c FILE``. ``pid``: where nginx keeps its process id, an absolute path."""
    listens = "".join(f"        listen {one};\n" for one in _listens(gateway.rtmp))
    return _CONF.format(pid=pid, listens=listens, app=GATEWAY_APP, controller=gateway.controller, path=PUBLISH_PATH)


def _listens(rtmp: str) -> list[str]:
    """What nginx listens on: the address itself, and loopback for livedvr's ffmpeg where that is another one."""
    host, port = split_address(rtmp)
    address = ipaddress.ip_address(host)
    if address == ipaddress.IPv6Address("::"):
        return [f"{rtmp} ipv6only=off"]
    return [rtmp] if address.is_unspecified or host == "127.0.0.1" else [rtmp, f"127.0.0.1:{port}"]
