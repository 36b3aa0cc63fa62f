"""What a function takes at each memory size: its first answer, the next ones, and its memory.

    python infra/sam/memory.py --env-vars containers.json

Lambda gives a function CPU time in proportion to its memory, 1,769 MB being one core's ("Memory and
computing power", AWS Lambda operator guide), but not while it starts. So each bootstrap is started
by a Runtime API of this script's own, and asks for its first event before its share of the CPU is
taken from it, by a control group (Linux, version 1, as root). The store is wherever the variables
say; the work is what a busy day brings: a hundred members, a full page, a full batch.
"""

import argparse
import http.server
import json
import os
import pathlib
import queue
import statistics
import subprocess
import threading
import time
import uuid

CORE_MB = 1769
# Lambda's own period; a longer one would hide short waits.
PERIOD_US = 20_000
CONTROL = pathlib.Path("/sys/fs/cgroup/cpu")
NEXT = "/2018-06-01/runtime/invocation/next"
MEMBERS = 100
MESSAGES = 1_000


class Share:
    """A share of the CPU that processes can be put on."""

    def __init__(self, memory):
        self.folder = CONTROL / f"tideline-{os.getpid()}-{memory}"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        quota = max(1_000, PERIOD_US * memory // CORE_MB)
        (self.folder / "cpu.cfs_quota_us").write_text(str(quota))

    def take(self, process):
        (self.folder / "cgroup.procs").write_text(str(process.pid))

    def remove(self):
        self.folder.rmdir()


class Server(http.server.ThreadingHTTPServer):
    """Says nothing when a process that is killed leaves its connection."""

    def handle_error(self, request, client_address):
        pass


class Function:
    """One process of a function, and the Runtime API that it asks."""

    def __init__(self, bootstrap, variables, share=None):
        self.events, self.answers = queue.SimpleQueue(), queue.SimpleQueue()
        self.asked = threading.Event()
        self.server = Server(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        own = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": bootstrap.parent.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        self.process = subprocess.Popen([bootstrap], env={**variables, **own}, stdout=subprocess.DEVNULL)
        self.asked.wait(30)
        if share:
            share.take(self.process)

    def handler(self):
        function = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # One packet: the second of two would wait for the first to be acknowledged.
            wbufsize = -1

            def do_GET(self):
                function.asked.set()
                event = function.events.get()
                if event is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", str(uuid.uuid4()))
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 60_000))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f")
                self.send_header("Content-Length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)
                self.wfile.flush()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                function.answers.put(body)
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                self.wfile.flush()

            def log_message(self, *_):
                """An event holds messages: nothing of it is printed."""

        return Handler

    def invoke(self, event):
        """The answer, and after how many milliseconds it was there."""
        start = time.perf_counter()
        self.events.put(json.dumps(event).encode())
        answer = self.answers.get(timeout=120)
        return json.loads(answer), (time.perf_counter() - start) * 1000

    def cpu_ms(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e6

    def peak_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
        return int(kilobytes) / 1024

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()


class Cases:
    """Events that are heavy, in the form of the example events."""

    def __init__(self, events, run):
        self.run = run
        self.template = {path.stem: json.loads(path.read_text()) for path in events.glob("*.json")}
        self.chat = f"d~{run}-alice~{run}-bob"
        self.club = f"g~{uuid.UUID(int=(uuid.uuid4().int & ~(0xF << 76)) | (7 << 76))}"
        self.number = 0

    def frame(self, route, user="alice", **fields):
        event = json.loads(json.dumps(self.template[route]))
        event["requestContext"]["authorizer"]["user"] = f"{self.run}-{user}"
        event["body"] = json.dumps({"action": route, "id": "1", **fields})
        return event

    def text(self, where, base, words="the tide comes in twice a day, and nobody has to call for it"):
        self.number += 1
        return self.frame("send", **where, cid=str(uuid.uuid4()), base=base, body={"text": f"{words} {self.number}"})

    def found(self):
        members = [f"{self.run}-{number}" for number in range(MEMBERS - 1)]
        return self.frame("group", op="create", title="club", cid=self.club[2:], members=members)

    def records(self, count, first):
        """The stream's records of messages that were never told to anybody."""
        record = self.template["fanout"]["Records"][0]
        records = []
        for number in range(count):
            copy = json.loads(json.dumps(record))
            for item in (copy["dynamodb"]["Keys"], copy["dynamodb"]["NewImage"]):
                item["c"]["S"], item["s"]["N"] = self.chat, str(first + number)
            copy["dynamodb"]["NewImage"]["u"]["S"] = f"{self.run}-alice"
            records.append(copy)
        return {"Records": records}

    def heavy(self):
        """What is measured: a name, the function, and a maker of its event."""
        direct, club = {"to": f"{self.run}-bob"}, {"conversation": self.club}
        return [
            ("send to one", "send", lambda: self.text(direct, MESSAGES)),
            (f"send to {MEMBERS}", "send", lambda: self.text(club, 1)),
            ("sync, a full page", "sync", lambda: self.frame("sync", user="bob", cursor=0, limit=100)),
            ("history, a full page", "history", lambda: self.frame("history", conversation=self.chat)),
            ("conversations", "conversations", lambda: self.frame("conversations")),
            ("read", "read", lambda: self.frame("read", user="bob", conversation=self.chat, seq=MESSAGES // 2)),
            ("receipts", "receipts", lambda: self.frame("receipts", conversation=self.chat)),
            ("search of 1,000", "search", lambda: self.frame("search", conversation=self.chat, query="nothing like that")),
            ("signal: typing", "signal", lambda: self.frame("signal", conversation=self.chat, kind="typing")),
            ("connect", "connect", lambda: self.frame("connect")),
            ("disconnect", "disconnect", lambda: self.frame("disconnect")),
            ("fanout, 100 records", "fanout", lambda: self.records(100, 1)),
        ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=".aws-sam/build")
    parser.add_argument("--env-vars", type=pathlib.Path, required=True)
    parser.add_argument("--events", type=pathlib.Path, default="infra/events")
    parser.add_argument("--memory", type=int, nargs="+", default=[128, 256, 512, 1024, 1769])
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    variables = json.loads(arguments.env_vars.read_text())["Parameters"]
    build = arguments.build.resolve()

    def function(route, share=None):
        return Function(build / f"{route.capitalize()}Function" / "bootstrap", variables, share)

    cases = Cases(arguments.events, f"m{os.getpid()}")
    group, send = function("group"), function("send")
    answer, _ = group.invoke(cases.found())
    assert '"ok"' in answer["body"], answer
    for number in range(MESSAGES):
        send.invoke(cases.text({"to": f"{cases.run}-bob"}, number))
    group.stop()
    send.stop()

    print("| work | CPU ms | MB | " + " | ".join(f"{memory} MB: first, next ms" for memory in arguments.memory) + " |")
    print("|---" * (3 + len(arguments.memory)) + "|")
    shares = {memory: Share(memory) for memory in arguments.memory}
    try:
        built = {folder.name for folder in build.iterdir()}
        heavy = [case for case in cases.heavy() if f"{case[1].capitalize()}Function" in built]
        for name, route, event in heavy:
            row, cpu, peak = [], [], 0
            for memory, share in shares.items():
                process = function(route, share)
                _, first = process.invoke(event())
                before = process.cpu_ms()
                later = [process.invoke(event())[1] for _ in range(arguments.rounds)]
                cpu.append((process.cpu_ms() - before) / arguments.rounds)
                peak = max(peak, process.peak_mb())
                row.append(f"{first:.0f}, {statistics.median(later):.1f}")
                process.stop()
            print(f"| {name} | {statistics.median(cpu):.1f} | {peak:.0f} | " + " | ".join(row) + " |", flush=True)
    finally:
        for share in shares.values():
            share.remove()


if __name__ == "__main__":
    main()
