#!/usr/bin/env python3
"""Measures the sample functions on a running server, for `measured.toml`: what each payload of functions.toml takes,
and how it ends. Needs Python 3.11 and nothing else.

    faremeter serve --data /tmp/measure &
    sample-data/measure.py --program target/debug/faremeter > sample-data/measured.toml
"""
import argparse, json, math, pathlib, statistics, subprocess, sys, tomllib, urllib.error, urllib.request

HERE = pathlib.Path(__file__).parent
WARM_CALLS, COLD_CALLS, WAIT_MS = 15, 9, 40
PHASES = ["queue", "load", "instantiate", "init"]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--server", default="http://127.0.0.1:8080")
    arguments.add_argument("--program", default="faremeter")
    arguments.add_argument("names", nargs="*", help="functions (all)")
    options = arguments.parse_args()
    print("# What the sample functions take beside their waits, and how each payload ends, in the order of functions.toml.")
    print("# Made by measure.py; `[median, sigma]` is a log-normal distribution.")
    for function in tomllib.loads((HERE / "functions.toml").read_text())["function"]:
        if not options.names or function["name"] in options.names:
            Measured(options, function).write()


class Measured:
    def __init__(self, options, function):
        self.options, self.function, self.name = options, function, function["name"]
        self.late = []

    def write(self):
        print(f"measuring {self.name}", file=sys.stderr)
        usual, rare = self.function["payloads"], self.function.get("rare_payloads", [])
        colds = []
        for _ in range(COLD_CALLS):
            self.deploy()
            colds.append(self.row(self.call(usual[0])))
        calls = [self.profile(payload) for payload in usual]
        rares = [self.profile(payload) for payload in rare]
        warms = [row for call in calls for row in call["rows"]]
        print(f'\n[[function]]\nname = "{self.name}"\nruntime = "{colds[0]["runtime"]}"')
        first = statistics.median(row["duration_ns"] for row in colds) - calls[0]["own_ns"]
        ready = f", handler_us = [{first / 1e3:.0f}, 0.2]" if first > 3e6 else ""
        print(f"cold = {{ {phases(colds)}{ready} }}")
        print(f"warm = {{ {phases(warms)} }}")
        late = [{"late": late} for late in self.late]
        print(f"late_us = {spread(late, 'late', 1e3)}")
        for key, profiles in [("usual", calls), ("rare", rares)]:
            print(f"{key} = [" + "".join(f"\n    {call['text']}," for call in profiles) + ("\n]" if profiles else "]"))
        sys.stdout.flush()

    def deploy(self):
        function, pairs = self.function, []
        for key, value in function["env"].items():
            pairs += ["--env", f"{key}={value}"]
        command = [self.options.program, "deploy", self.name, str(HERE / function["file"]), "--server", self.options.server]
        limits = ["--memory-mb", str(function["memory_mb"]), "--timeout", function["timeout"]]
        subprocess.run(command + limits + pairs, check=True, stdout=subprocess.DEVNULL)

    def call(self, payload, wait_ms=0):
        url = f"{self.options.server}/fn/{self.name}?wait_ms={wait_ms}"
        try:
            answer = urllib.request.urlopen(urllib.request.Request(url, payload.encode(), method="POST"))
        except urllib.error.HTTPError as error:
            answer = error
        answer.read()
        return answer.headers["x-faremeter-invocation-id"]

    def query(self, sql):
        body = json.dumps({"sql": sql, "params": {}}).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self.options.server}/api/v1/query", body, headers)
        return json.load(urllib.request.urlopen(request))["rows"]

    def row(self, id):
        return self.query(f"SELECT * FROM invocations WHERE invocation_id = '{id}'")[0]

    def profile(self, payload):
        """The figures of one payload, and the text that tells them."""
        first = self.row(self.call(payload))
        slow, fails = first["duration_ns"] > 1e9, first["outcome"] != "ok"
        rows = []
        for _ in range(3 if slow else WARM_CALLS):
            if fails:
                # A call that fails may take its environment with it.
                self.call(self.function["payloads"][0])
            rows.append(self.row(self.call(payload)))
        rows = [row for row in rows if not row["cold"]] or rows
        last, fields = rows[-1], []
        if last["outcome"] != "ok":
            fields += [f'outcome = "{last["outcome"]}"', f"error_type = {quoted(last['error_type'])}"]
            fields += [f"message = {quoted(last['error_message'])}"]
        if last["http_status"] != 200:
            fields.append(f"status = {last['http_status']}")
        own = statistics.median(row["duration_ns"] for row in rows)
        if not slow:
            waited = [self.row(self.call(payload, WAIT_MS))["duration_ns"] - WAIT_MS * 1e6 for _ in range(3)]
            if min(waited) < 0:
                fields.append("waits = false")
            elif not fails and own < 2e7:
                self.late += [max(late - own, 1e4) for late in waited]
        fields += [f"own_us = {spread(rows, 'duration_ns', 1e3)}", f"cpu_us = {spread(rows, 'cpu_ns', 1e3)}"]
        fields.append(f"peak_memory_kib = {spread(rows, 'peak_memory_bytes', 1024)}")
        fields.append(f"response_bytes = {last['response_bytes']}")
        streamed = statistics.median(row["streamed_bytes"] for row in rows)
        if streamed:
            fields.append(f"streamed_bytes = {streamed:.0f}")
        logs = self.query(f"SELECT * FROM logs WHERE invocation_id = '{last['invocation_id']}' ORDER BY time")
        if logs:
            fields.append("logs = [" + ", ".join(line(log) for log in logs) + "]")
        return {"rows": rows, "own_ns": own, "text": "{ " + ", ".join(fields) + " }"}


def phases(rows):
    found = [(phase, spread(rows, f"{phase}_ns", 1e3)) for phase in PHASES]
    return ", ".join(f"{phase}_us = {text}" for phase, text in found if phase == "queue" or text != "[0.0, 0.0]")


def spread(rows, column, unit):
    values = [row[column] / unit for row in rows]
    median = statistics.median(values)
    if median == 0:
        return "[0.0, 0.0]"
    logs = [math.log(value) for value in values if value > 0]
    sigma = 0.0 if max(values) == min(values) else min(max(statistics.pstdev(logs), 0.05), 0.5)
    return f"[{median:.1f}, {sigma:.2f}]"


def line(log):
    attributes = ", ".join(f"{quoted(key)} = {quoted(value)}" for key, value in (log["attributes"] or {}).items())
    stdout = "stdout = true, " if log["scope_name"] == "stdout" else ""
    more = f", attributes = {{ {attributes} }}" if attributes else ""
    return f'{{ {stdout}severity = "{log["severity_text"].lower()}", body = {quoted(log["body"])}{more} }}'


def quoted(text):
    return json.dumps(text or "", ensure_ascii=False)


main()
