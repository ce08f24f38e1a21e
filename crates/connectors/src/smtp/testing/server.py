"""The mail server of the connector's tests.

Takes its orders as JSON in its first argument, and tells what happens to it as lines of JSON on
standard output: `listening` with the port, `mail` with everything about a message, `silent` when
it has stopped answering as ordered. Ends when standard input does.

Orders: `cert` and `key` (files), `tls` ("start" or "implicit"), `user` and `password`,
`mechanisms` (of the login), `echo_login` (refuse it by repeating the password), `utf8`, `size`,
`refuse` (step to reply; recipients by address), `at` (step to "hang" or "hangup").
Steps are MAIL, RCPT, DATA (the command) and DOT (the end of the message).
"""

import asyncio
import base64
import email
import email.header
import email.policy
import email.utils
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

# It complains about orders like ours, and about clients that refuse its certificate.
warnings.simplefilter("ignore")
logging.disable(logging.ERROR)

ORDERS = json.loads(sys.argv[1])


def tell(event, **what):
    print(json.dumps({"event": event, **what}), flush=True)


class Server(SMTP):
    async def smtp_DATA(self, arg):
        refusal = await step(self, "DATA")
        if refusal:
            await self.push(refusal)
        else:
            await super().smtp_DATA(arg)


async def step(server, name):
    """Does what is ordered for a step; a text is the reply that refuses it."""
    order = ORDERS.get("at", {}).get(name)
    if order == "hang":
        tell("silent")
        await asyncio.Event().wait()
    if order == "hangup":
        server.transport.abort()
        return "421 gone"
    refusal = ORDERS.get("refuse", {}).get(name)
    return refusal if isinstance(refusal, str) else None


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        refusal = await step(server, "MAIL")
        if refusal:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        refusal = await step(server, "RCPT")
        refused = ORDERS.get("refuse", {}).get("RCPT", {})
        if refusal or address in refused:
            return refusal or refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        refusal = await step(server, "DOT")
        if refusal:
            return refusal
        tell("mail", **describe(server, session, envelope))
        return "250 OK"


def describe(server, session, envelope):
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    plain = email.message_from_bytes(envelope.content)
    return {
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "options": envelope.mail_options,
        "hello": session.host_name,
        "secure": server.transport.get_extra_info("cipher") is not None,
        "user": session.auth_data,
        "raw": base64.b64encode(envelope.content).decode(),
        "headers": [[name, str(value)] for name, value in message.items()],
        "addresses": {
            name: [[decoded(one), address] for one, address in email.utils.getaddresses([plain[name]])]
            for name in ("From", "To", "Cc", "Reply-To")
            if name in plain
        },
        "defects": [str(one) for part in message.walk() for one in part.defects],
        "date": email.utils.parsedate_to_datetime(message["Date"]).timestamp(),
        "parts": [part_of(part) for part in message.walk()],
    }


def decoded(text):
    # The newer way of reading headers puts spaces into long names before Python 3.13.
    return str(email.header.make_header(email.header.decode_header(text)))


def part_of(part):
    content = None if part.is_multipart() else part.get_content()
    if isinstance(content, str):
        content = content.replace("\r\n", "\n")
    if isinstance(content, bytes):
        content = base64.b64encode(content).decode()
    return [part.get_content_type(), part.get_filename(), content]


def authenticate(server, session, envelope, mechanism, login):
    name, password = login.login.decode(), login.password.decode()
    if (name, password) == (ORDERS["user"], ORDERS["password"]):
        return AuthResult(success=True, auth_data=f"{name} by {mechanism}")
    said = f"535 5.7.8 {password} is wrong" if ORDERS.get("echo_login") else None
    return AuthResult(success=False, handled=False, message=said)


async def main():
    secured = None
    if "cert" in ORDERS:
        secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secured.load_cert_chain(ORDERS["cert"], ORDERS["key"])
    login = "user" in ORDERS
    known = {"PLAIN", "LOGIN"}
    wanted = set(ORDERS.get("mechanisms", known))

    def make():
        return Server(
            Handler(),
            hostname="mail.test",
            enable_SMTPUTF8=ORDERS.get("utf8", True),
            data_size_limit=ORDERS.get("size", 33554432),
            tls_context=secured if ORDERS.get("tls") == "start" else None,
            require_starttls=ORDERS.get("tls") == "start",
            authenticator=authenticate if login else None,
            auth_required=login,
            auth_require_tls=False,
            auth_exclude_mechanism=known - wanted,
        )

    implicit = secured if ORDERS.get("tls") == "implicit" else None
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(make, "127.0.0.1", 0, ssl=implicit)
    tell("listening", port=listening.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
