"""Notifies with the real oslo.messaging, as a service of OpenStack does.

One notification per line of stdin, as JSON; each is answered with a line on stdout once the broker confirmed it.
Usage: notify.py URL TOPIC
"""

import json
import os
import sys
import tempfile

import oslo_messaging
from oslo_config import cfg
from oslo_context.context import RequestContext

# What a site writes into its services' configuration so that notifications survive a restart of the broker.
SITE = """[DEFAULT]
control_exchange = {exchange}
[oslo_messaging_rabbit]
amqp_durable_queues = true
"""

DRIVERS = {1: "messaging", 2: "messagingv2"}


class ServiceContext(RequestContext):
    """The services' own classes say user_id where the common one says user."""

    def to_dict(self):
        return {**super().to_dict(), "user_id": self.user_id}


class NeutronContext(ServiceContext):
    """Still tells the project by its old name, too."""

    def to_dict(self):
        return {**super().to_dict(), "tenant_id": self.project_id}


def context_of(notification):
    # A dict will not do: since 2025 oslo.messaging throws away what it cannot redact.
    is_neutron = notification["exchange"].startswith("neutron")
    return (NeutronContext if is_neutron else ServiceContext)(overwrite=False, **notification["ctxt"])


def open_transport(url, exchange, folder):
    path = os.path.join(folder, exchange + ".conf")
    with open(path, "w") as file:
        file.write(SITE.format(exchange=exchange))
    conf = cfg.ConfigOpts()
    conf([], project=exchange, default_config_files=[path])
    return oslo_messaging.get_notification_transport(conf, url=url)


def main(url, topic):
    transports = {}
    notifiers = {}
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            notification = json.loads(line)
            exchange = notification["exchange"]
            driver = DRIVERS[notification["version"]]
            if exchange not in transports:
                transports[exchange] = open_transport(url, exchange, folder)
            if (exchange, driver) not in notifiers:
                notifiers[exchange, driver] = oslo_messaging.Notifier(transports[exchange], driver=driver, topics=[topic])
            notifier = notifiers[exchange, driver].prepare(publisher_id=notification["publisher_id"])
            send = getattr(notifier, notification["priority"])
            send(context_of(notification), notification["event_type"], notification["payload"])
            print("sent", flush=True)
    for transport in transports.values():
        transport.cleanup()


if __name__ == "__main__":
    main(*sys.argv[1:])
