"""The installed service in a machine: where it is, and how it is used."""

import threading
import time

from machine import Machine
from support.ask import event
from support.http import Response, post_events
from support.standin import ACCESS_KEY, SECRET_KEY, StandIn
from support.wait import wait_until

PUBLIC, ADMIN = 8080, 9180
UNITS = ("clickspool-ingest", "clickspool-shipper")
CONF = "/etc/clickspool/clickspool.conf"
CREDENTIALS = "/etc/clickspool/credentials.d/logs"
SPOOL = "/var/lib/clickspool/spool"
KEYS = (
    f"[default]\naws_access_key_id = {ACCESS_KEY}\n"
    f"aws_secret_access_key = {SECRET_KEY}\n"
)


def post(machine: Machine) -> str:
    """The id of an event that was taken."""
    with machine.network():
        answer = post_events(PUBLIC, event(), timeout=20)
    assert answer.status == 202, answer
    return str(answer.json()["eventIds"][0])


def arrived(cloud: StandIn, *event_ids: str) -> None:
    """Each of them, once."""

    def count(event_id: str) -> int:
        return sum(event_id in message for message in cloud.messages())

    wait_until(lambda: all(count(event_id) for event_id in event_ids), 20)
    assert [count(event_id) for event_id in event_ids] == [1] * len(event_ids)


def main_pid(machine: Machine, unit: str) -> int:
    machine.wait_for(unit)
    return int(machine.show(unit, "MainPID"))


class Load(threading.Thread):
    """Single events, each over a connection of its own, one after another."""

    def __init__(self, machine: Machine, count: int, every: float = 0.05) -> None:
        super().__init__()
        self.machine, self.count, self.every = machine, count, every
        self.answers: list[Response | OSError] = []

    def run(self) -> None:
        with self.machine.network():
            for _ in range(self.count):
                try:
                    answer = post_events(PUBLIC, event(), timeout=20)
                    self.answers.append(answer)
                except OSError as error:
                    self.answers.append(error)
                time.sleep(self.every)

    def taken(self) -> list[str]:
        """The ids, once all are answered, with 202."""
        self.join(120)
        wrong = [a for a in self.answers if isinstance(a, OSError) or a.status != 202]
        assert not wrong and len(self.answers) == self.count, wrong
        return [str(a.json()["eventIds"][0]) for a in self.answers]  # type: ignore
