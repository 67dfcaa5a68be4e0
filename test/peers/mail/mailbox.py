"""aiosmtpd on a free port of the loopback: prints the port, then one JSON line for every mail that it took, its bytes as base64."""

import asyncio
import base64
import json

from aiosmtpd.smtp import SMTP


class Mailbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        content = base64.b64encode(envelope.original_content).decode()
        mail = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "utf8": envelope.smtp_utf8, "content": content}
        print(json.dumps(mail), flush=True)
        return "250 taken"


async def main():
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(Mailbox(), enable_SMTPUTF8=True, decode_data=False, loop=loop)
    server = await loop.create_server(make, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
