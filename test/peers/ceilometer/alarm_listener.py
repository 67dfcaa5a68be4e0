"""Listens as Aodh's event listener does, and checks signatures with Ceilometer's own function.

Says `ready`, then one JSON line per event. Usage: alarm_listener.py URL SECRET
"""

import json
import sys

import oslo_messaging
from ceilometer.publisher import utils
from oslo_config import cfg


class Endpoint:
    def sample(self, notifications):
        for notification in notifications:
            payload = notification["payload"]
            for event in payload if isinstance(payload, list) else [payload]:
                line = {
                    "event_type": notification["event_type"],
                    "publisher_id": notification["publisher_id"],
                    "signed": utils.verify_signature(event, sys.argv[2]),
                    "payload": event,
                }
                print(json.dumps(line), flush=True)


conf = cfg.ConfigOpts()
conf([], project="aodh", default_config_files=[])
oslo_messaging.set_transport_defaults("ceilometer")
transport = oslo_messaging.get_notification_transport(conf, url=sys.argv[1])
# As in aodh/event.py: a batch listener on one topic.
listener = oslo_messaging.get_batch_notification_listener(
    transport,
    [oslo_messaging.Target(topic="alarm.all")],
    [Endpoint()],
    executor="threading",
    batch_size=1,
    batch_timeout=None,
)
listener.start()
print("ready", flush=True)
listener.wait()
