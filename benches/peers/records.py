"""Records of runs, in the format of `docs/benchmarks/schema/run.json`."""

import os
import platform
import statistics
import time


def read(path):
    with open(path) as file:
        return file.read()


def value_after(path, prefix):
    for line in read(path).splitlines():
        if line.startswith(prefix):
            return line[len(prefix) :].strip()
    raise SystemExit(f"{path}: expected a line that starts with {prefix}")


def processor():
    """As `assay` names it, so that two records of one machine are seen to be of one."""
    fields = {}
    for line in read("/proc/cpuinfo").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    family = f"(family {fields.get('cpu family', 'unknown')}, model {fields.get('model', 'unknown')})"
    name = fields.get("model name", "")
    if name in ("", "unknown"):
        name = fields.get("vendor_id", fields.get("CPU implementer", "unknown"))
    return f"{name} {family}"


def machine():
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": int(value_after("/proc/meminfo", "MemTotal:").split()[0]) * 1024,
        "system": value_after("/etc/os-release", "PRETTY_NAME=").strip('"'),
        "kernel": platform.release(),
        "architecture": platform.machine(),
    }


def load():
    return float(read("/proc/loadavg").split()[0])


def samples(values):
    values = [int(value) for value in values]
    if not values or min(values) <= 0:
        raise SystemExit(f"expected values above zero, got {values}: what was not measured is not recorded")
    # The mean of the two in the middle is rounded down.
    return {"median": int(statistics.median_low(values) + statistics.median_high(values)) // 2, "values": values}


def timing(covers, times):
    return {
        "covers": covers,
        "wall_ns": samples(one["wall_ns"] for one in times),
        "processor_ns": samples(one["processor_ns"] for one in times),
    }


def run(version, profile, started_ms, measurements):
    return {
        "schema_version": 1,
        "started_ms": started_ms,
        "profile": profile,
        "system": {
            "name": "ezkl",
            "version": version,
            "proof_system": "halo2-kzg-bn254-shplonk, Keccak transcript",
            "arithmetisation": "PLONKish, weights in fixed columns",
            "iop": "halo2",
            "commitment_scheme": "KZG with SHPLONK",
            "field": "BN254 scalar field",
            "zero_knowledge": True,
            "post_quantum": False,
            "audited": False,
        },
        "build": {"compiler": f"wheel of PyPI, Python {platform.python_version()}", "flags": "", "features": []},
        "machine": machine(),
        "measurements": measurements,
    }


def now_ms():
    return time.time_ns() // 1_000_000
