#!/usr/bin/env python3
"""Measures EZKL and Assay on the same networks and inputs in one sitting, and prints them side by side.

    python3 benches/peers/ezkl.py --assay target/release/assay
    python3 benches/peers/ezkl.py --assay target/release/assay --cases FOLDER mlp784 lenet5

See README.md beside this file. Needs Python 3.11 or newer, Linux, and PyPI for the first run.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import records

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VERSION = "23.0.5"
PROFILES = {"smoke": (3, 1), "reduced": (10, 3), "full": (30, 5)}


def say(text):
    print(time.strftime("[%H:%M:%S]"), text, file=sys.stderr, flush=True)


class Environment:
    """The virtual environment with EZKL, and processes in it."""

    def __init__(self, folder, timeout):
        self.python = folder / "bin" / "python"
        self.timeout = timeout
        wanted = (HERE / "requirements.txt").read_text()
        installed = folder / "installed.txt"
        if not installed.exists() or installed.read_text() != wanted:
            say(f"installing EZKL {VERSION} into {folder}")
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            pip = [str(self.python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
            subprocess.run([*pip, "--requirement", str(HERE / "requirements.txt")], check=True)
            installed.write_text(wanted)

    def run(self, script, name, arguments, work):
        """One step in a process of its own: its answer, with the process's peak memory."""
        answer, log = work / f"{name}.answer.json", work / f"{name}.log"
        answer.unlink(missing_ok=True)
        arguments = {**arguments, "answer": str(answer)}
        with open(log, "w") as out:
            command = [str(self.python), "-P", str(HERE / script), name]
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT)
            child.stdin.write(json.dumps(arguments, default=str).encode())
            child.stdin.close()
            status, usage = self.wait(child)
        if status != 0:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
            raise SystemExit(f"{name} ended with {status}:\n{tail}")
        result = json.loads(answer.read_text()) if answer.exists() else {}
        return {**result, "peak_bytes": usage.ru_maxrss * 1024}

    def wait(self, child):
        end, nap = time.monotonic() + self.timeout, 0.002
        while True:
            process, status, usage = os.wait4(child.pid, os.WNOHANG)
            if process:
                child.returncode = os.waitstatus_to_exitcode(status)
                return child.returncode, usage
            if time.monotonic() > end:
                child.kill()
                child.wait()
                raise SystemExit(f"a step took longer than {self.timeout} s; --timeout allows more")
            time.sleep(nap)
            nap = min(0.1, nap * 1.3)


def parse_settings(text):
    """`NAME` or `NAME:setting=value,..`."""
    name, _, rest = text.partition(":")
    values = dict(part.split("=", 1) for part in rest.split(",") if "=" in part)
    if not name or rest.count("=") != len(values) or len([p for p in rest.split(",") if p]) != len(values):
        raise argparse.ArgumentTypeError(f"expected NAME or NAME:setting=value,.., got {text!r}")
    return name, values


class Case:
    """A network: `NAME.onnx`, `NAME.inputs.json`, and for Assay `NAME.assay` with `NAME.scales.json`."""

    def __init__(self, folder, name, environment, work, options):
        self.name, self.folder, self.work = name, folder, work / name
        self.work.mkdir(parents=True, exist_ok=True)
        self.onnx = folder / f"{name}.onnx"
        samples = json.loads((folder / f"{name}.inputs.json").read_text())["samples"]
        self.samples = samples[: max(options.accuracy, options.calibration)]
        arguments = {"onnx": self.onnx, "samples": self.samples}
        described = environment.run("networks.py", "describe", arguments, self.work)
        self.digest, self.parameters, self.outputs = (described[key] for key in ("digest", "parameters", "outputs"))

    def input_files(self):
        """One file of each input, as EZKL reads it."""
        files = []
        for index, sample in enumerate(self.samples):
            path = self.work / f"input-{index}.json"
            path.write_text(json.dumps({"input_data": [sample]}))
            files.append(path)
        return files

    def integers(self, count):
        """Assay's input, and the float network's answers for its integers, if it is known how those come about."""
        path = self.folder / f"{self.name}.scales.json"
        if not path.exists():
            return None
        scales = json.loads(path.read_text())
        integers = [[round(value / scales["input_scale"]) for value in sample] for sample in self.samples[:count]]
        pairs = [{"input": given, "output": output} for given, output in zip(integers, self.outputs)]
        reference, given = self.work / "reference.json", self.work / "integers.json"
        reference.write_text(json.dumps({"output_scale": scales["output_scale"], "samples": pairs}))
        given.write_text(json.dumps(integers[0]))
        return given, reference

    def measure_assay(self, options):
        """One run of `assay bench run zk`; its record."""
        say(f"assay, {self.name}")
        out = self.work / "assay.json"
        command = [str(options.assay), "bench", "run", "zk", "--models", str(self.folder / f"{self.name}.assay")]
        command += ["--profile", options.profile, "--samples", str(options.proofs), "--out", str(out), "--overwrite"]
        files = self.integers(options.accuracy)
        if files is None:
            say(f"no {self.name}.scales.json: random inputs, and no accuracy")
        else:
            command += ["--input", str(files[0]), "--reference", str(files[1])]
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
            raise SystemExit(f"assay failed on {self.name}")
        return json.loads(out.read_text())


class Ezkl:
    """EZKL on one network under one choice of settings."""

    def __init__(self, case, name, values, environment, options):
        self.case, self.name, self.values, self.environment, self.options = case, name, values, environment, options
        self.work = case.work / name
        self.work.mkdir(exist_ok=True)
        self.paths = {
            "onnx": case.onnx,
            "settings": self.work / "settings.json",
            "circuit": self.work / "circuit.ezkl",
            "proving_key": self.work / "proving.key",
            "verifying_key": self.work / "verifying.key",
        }

    def step(self, name, **more):
        return self.environment.run("steps.py", name, {**self.paths, **more}, self.work)

    def prepare(self):
        """From the network to a circuit and a setup of its size; the settings that came of it."""
        calibration_only = {"scales", "target", "max_logrows"}
        run_arguments = {name: value for name, value in self.values.items() if name not in calibration_only}
        self.step("settings", run_arguments=run_arguments)
        calibration = self.work / "calibration.json"
        # A batch is one flat list.
        flat = [number for sample in self.case.samples[: self.options.calibration] for number in sample]
        calibration.write_text(json.dumps({"input_data": [flat]}))
        scales, logrows = self.values.get("scales"), self.values.get("max_logrows")
        self.step(
            "calibrate",
            calibration=calibration,
            target=self.values.get("target", "resources"),
            scales=[int(scale) for scale in scales.split("+")] if scales else None,
            logrows_max=int(logrows) if logrows else None,
        )
        self.step("compile_circuit")
        chosen = json.loads(self.paths["settings"].read_text())["run_args"]
        self.paths["srs"] = self.options.work / f"k{chosen['logrows']}.srs"
        if not self.paths["srs"].exists():
            say(f"ezkl, setup for 2^{chosen['logrows']} rows")
            unfinished = self.paths["srs"].with_suffix(".unfinished")
            self.step("setup_parameters", k=chosen["logrows"], srs=unfinished)
            unfinished.rename(self.paths["srs"])
        return chosen

    def measure(self):
        """Everything that is measured; every proof is verified, and one must be refused for another output."""
        say(f"ezkl, {self.case.name}, settings {self.name}")
        proofs, others = self.options.proofs, min(self.options.others, self.options.proofs)
        before, chosen = records.load(), self.prepare()
        keys = [self.step("keys") for _ in range(others)]
        loading = self.step("load_proving_key", again=self.work / "again.key", repetitions=others)
        inputs = self.case.input_files()
        witnesses = [self.work / f"witness-{index}.json" for index in range(proofs)]
        given = [inputs[index % len(inputs)] for index in range(proofs)]
        witness = self.step("witnesses", inputs=given, witnesses=witnesses)
        files = [self.work / f"proof-{index}.json" for index in range(proofs)]
        proving = [self.step("prove", witness=one, proof=file) for one, file in zip(witnesses, files, strict=True)]
        verify = self.step("verify", proofs=files)
        refused = self.step("refuse", proof=files[0], altered=self.work / "altered.json")
        count = self.options.accuracy
        pairs = {"inputs": inputs[:count], "outputs": self.case.outputs[:count]}
        accuracy = self.step("accuracy", **pairs, witness=self.work / "accuracy.json")
        measurement = {
            **self.describe(chosen),
            **self.times(keys, loading["times"], witness["times"], proving, verify["times"]),
            **self.sizes(files[0]),
            "memory": memory(keys, proving),
            "proofs": {"made": proofs, "verified": len(verify["times"]), "altered_refused": refused["refused"]},
            "accuracy": {key: accuracy[key] for key in ("samples", "argmax_agreements", "error_max")},
            "load": {"before": before, "after": records.load()},
        }
        if not self.options.keep:
            for path in [self.paths["proving_key"], *witnesses]:
                path.unlink()
        return measurement

    def describe(self, chosen):
        names = ("input_scale", "param_scale", "decomp_base", "decomp_legs", "num_inner_cols", "check_mode")
        return {
            "model": {
                "name": self.case.name,
                "digest": self.case.digest,
                "bytes": self.paths["circuit"].stat().st_size,
                "parameters": self.case.parameters,
            },
            "settings": {"name": self.name, "values": {name: str(chosen[name]) for name in names}},
            "k": chosen["logrows"],
            "inputs": "file",
        }

    def times(self, keys, loading, witness, proving, verify):
        timing = records.timing
        return {
            "key_generation": timing("reading circuit and setup, both keys, writing them", keys),
            "proving_key_loading": timing("reading the proving key and writing its verifying key", loading),
            "witness": timing("reading circuit and input, the run, writing the witness", witness),
            "prove": timing(
                "reading witness, circuit, proving key and setup, the proof, writing it; the prover does not verify it",
                proving,
            ),
            "verify": timing("reading proof, verifying key and setup, one proof", verify),
        }

    def sizes(self, proof_file):
        proof = json.loads(proof_file.read_text())
        return {
            "proof_bytes": len(proof["hex_proof"].removeprefix("0x")) // 2,
            "proof_file_bytes": proof_file.stat().st_size,
            "proving_key": {"bytes": self.paths["proving_key"].stat().st_size, "form": "file"},
            "verifying_key_bytes": self.paths["verifying_key"].stat().st_size,
        }


def memory(keys, proving):
    idle = max(one["idle_bytes"] for one in proving) / 1e6
    return {
        "covers": f"the whole process, {idle:.0f} MB before its step: Python with EZKL loaded",
        "prove_bytes": records.samples(one["peak_bytes"] for one in proving),
        "key_generation_bytes": records.samples(one["peak_bytes"] for one in keys),
    }


def digits_case(environment, work, samples):
    """The network of `data/digits`, for which no file is missing."""
    folder, data = work / "digits-case", ROOT / "data" / "digits"
    folder.mkdir(parents=True, exist_ok=True)
    arguments = {
        "network": data / "digits.safetensors",
        "bundle": data / "digits.assay",
        "images": data / "digits.csv",
        "onnx": folder / "digits.onnx",
        "inputs": folder / "digits.inputs.json",
        "scales": folder / "digits.scales.json",
        "samples": samples,
    }
    environment.run("networks.py", "digits", arguments, folder)
    (folder / "digits.assay").write_bytes((data / "digits.assay").read_bytes())
    return folder


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="networks in --cases; the committed digits network without any")
    parser.add_argument("--cases", type=Path, help="folder with NAME.onnx, NAME.inputs.json, NAME.assay")
    parser.add_argument("--assay", type=Path, help="the assay binary; without it only EZKL is measured")
    parser.add_argument("--profile", choices=PROFILES, default="reduced")
    parser.add_argument("--samples", type=int, help="proofs instead of the profile's number")
    parser.add_argument("--settings", type=parse_settings, action="append", metavar="NAME[:setting=value,..]",
                        help="EZKL's settings, again for more [default: its own; for the digits network also "
                        "tuned:decomp_base=1024,decomp_legs=3]")
    parser.add_argument("--accuracy", type=int, default=20, help="inputs for accuracy")
    parser.add_argument("--calibration", type=int, default=10, help="inputs for EZKL's calibration")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "peers" / "records", help="folder for the records")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / f"ezkl-{VERSION}")
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "peers" / "work")
    parser.add_argument("--timeout", type=float, default=3600, help="longest step, seconds")
    parser.add_argument("--keep", action="store_true", help="keep proving keys and witnesses")
    options = parser.parse_args()
    if bool(options.names) != bool(options.cases):
        parser.error("--cases FOLDER and the names of networks in it go together")
    for name in ("samples", "accuracy", "calibration"):
        value = getattr(options, name)
        if value is not None and not 1 <= value <= 1000:
            parser.error(f"--{name}: expected 1 to 1000, got {value}")
    proofs, options.others = PROFILES[options.profile]
    options.proofs = options.samples or proofs
    if not options.settings:
        # Better for the digits network and worse for larger ones.
        tuned = [] if options.names else [parse_settings("tuned:decomp_base=1024,decomp_legs=3")]
        options.settings = [parse_settings("default"), *tuned]
    return options


def write(path, record):
    """Whole or not at all, after every measurement, so that a late failure costs one of them."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(record, indent=2) + "\n")
    unfinished.rename(path)


def require_files(folder, names, options):
    """Whatever is missing is named before anything runs for an hour."""
    endings = [".onnx", ".inputs.json"] + ([".assay"] if options.assay else [])
    missing = [str(folder / f"{name}{ending}") for name in names for ending in endings]
    missing = [path for path in missing if not os.path.isfile(path)]
    if missing:
        raise SystemExit("missing: " + ", ".join(missing))


def main():
    options = parse_arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    environment = Environment(options.venv.resolve(), options.timeout)
    folder, names = options.cases, options.names
    if not names:
        folder, names = digits_case(environment, options.work, options.accuracy), ["digits"]
    require_files(folder, names, options)
    theirs, own = options.out / "ezkl.json", options.out / "assay.json"
    started_ms, measurements, ours = records.now_ms(), [], None
    for name in names:
        case = Case(folder, name, environment, options.work, options)
        if options.assay:
            run = case.measure_assay(options)
            ours = ours or {**run, "measurements": []}
            ours["measurements"] += run["measurements"]
            write(own, ours)
        for settings_name, values in options.settings:
            measurements.append(Ezkl(case, settings_name, values, environment, options).measure())
            write(theirs, records.run(VERSION, options.profile, started_ms, measurements))
    say(f"written: {theirs}")
    if ours:
        say(f"written: {own}")
        return subprocess.run([str(options.assay), "bench", "compare", str(theirs), str(own)]).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
