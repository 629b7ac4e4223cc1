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
MEMORY_UNIT = 1 << 20


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
        self.samples = json.loads((folder / f"{name}.inputs.json").read_text())["samples"]
        self.samples = self.samples[: max(options.accuracy, 1)]
        self.environment = environment
        self.described = environment.run("networks.py", "describe", {"onnx": self.onnx, "samples": self.samples}, self.work)

    def input_files(self):
        files = []
        for index, sample in enumerate(self.samples):
            path = self.work / f"input-{index}.json"
            path.write_text(json.dumps({"input_data": [sample]}))
            files.append(path)
        return files

    def measure_ezkl(self, name, values, options):
        say(f"ezkl, {self.name}, settings {name}")
        proofs, others = options.proofs, min(options.others, options.proofs)
        work = self.work / name
        work.mkdir(exist_ok=True)
        step = lambda step, **more: self.environment.run("steps.py", step, {**paths, **more}, work)
        before = records.load()
        paths = {
            "onnx": self.onnx,
            "settings": work / "settings.json",
            "circuit": work / "circuit.ezkl",
            "proving_key": work / "proving.key",
            "verifying_key": work / "verifying.key",
        }
        own = {"scales", "target", "max_logrows"}
        step("settings", run_arguments={key: value for key, value in values.items() if key not in own})
        calibration = work / "calibration.json"
        # A batch is one flat list.
        flat = [number for sample in self.samples[: options.calibration] for number in sample]
        calibration.write_text(json.dumps({"input_data": [flat]}))
        scales = [int(scale) for scale in values["scales"].split("+")] if "scales" in values else None
        logrows_max = int(values["max_logrows"]) if "max_logrows" in values else None
        target = values.get("target", "resources")
        step("calibrate", calibration=calibration, scales=scales, target=target, logrows_max=logrows_max)
        step("compile_circuit")
        chosen = json.loads(paths["settings"].read_text())
        k = chosen["run_args"]["logrows"]
        paths["srs"] = self.work.parent / f"k{k}.srs"
        if not paths["srs"].exists():
            say(f"ezkl, setup for 2^{k} rows")
            step("setup_parameters", k=k)
        keys = [step("keys") for _ in range(others)]
        loading = step("load_proving_key", again=work / "again.key", repetitions=others)
        inputs = self.input_files()
        given = [inputs[index % len(inputs)] for index in range(proofs)]
        made = [work / f"witness-{index}.json" for index in range(proofs)]
        witness = step("witnesses", inputs=given, witnesses=made)
        files = [work / f"proof-{index}.json" for index in range(proofs)]
        proving = []
        for witness_file, proof_file in zip(made, files):
            proving.append(step("prove", witness=witness_file, proof=proof_file))
        verify = step("verify", proofs=files)
        refused = step("refuse", proof=files[0], altered=work / "altered.json")
        accuracy = step("accuracy", inputs=inputs, outputs=self.described["outputs"], witness=work / "accuracy.json")
        proof = json.loads(files[0].read_text())
        idle = max(one["idle_bytes"] for one in proving) / MEMORY_UNIT
        arguments = chosen["run_args"]
        shown = {
            name: str(arguments[name])
            for name in ("input_scale", "param_scale", "decomp_base", "decomp_legs", "num_inner_cols", "lookup_range")
        }
        measurement = {
            "model": {
                "name": self.name,
                "digest": self.described["digest"],
                "bytes": paths["circuit"].stat().st_size,
                "parameters": self.described["parameters"],
            },
            "settings": {"name": name, "values": {**shown, "check_mode": str(arguments["check_mode"])}},
            "k": k,
            "inputs": "file",
            "key_generation": records.timing("reading circuit and setup, both keys, writing them", keys),
            "proving_key_loading": records.timing(
                "reading the proving key and writing its verifying key", loading["times"]
            ),
            "witness": records.timing("reading circuit and input, the run, writing the witness", witness["times"]),
            "prove": records.timing(
                "reading witness, circuit, proving key and setup, the proof, writing it; not verified by the prover",
                proving,
            ),
            "verify": records.timing("reading proof, verifying key and setup, one proof", verify["times"]),
            "proof_bytes": len(proof["hex_proof"].removeprefix("0x")) // 2,
            "proof_file_bytes": files[0].stat().st_size,
            "proving_key": {"bytes": paths["proving_key"].stat().st_size, "form": "file"},
            "verifying_key_bytes": paths["verifying_key"].stat().st_size,
            "memory": {
                "covers": f"the whole process, of which {idle:.0f} MiB are Python with EZKL loaded",
                "prove_bytes": records.samples(one["peak_bytes"] for one in proving),
                "key_generation_bytes": records.samples(one["peak_bytes"] for one in keys),
            },
            "proofs": {"made": proofs, "verified": len(verify["times"]), "altered_refused": refused["refused"]},
            "accuracy": {key: accuracy[key] for key in ("samples", "argmax_agreements", "error_max")},
            "load": {"before": before, "after": records.load()},
        }
        if not options.keep:
            for path in [paths["proving_key"], *made]:
                path.unlink()
        return measurement

    def reference(self):
        """The float network's answers for Assay's integer inputs, if it is known how those come about."""
        path = self.folder / f"{self.name}.scales.json"
        if not path.exists():
            return None
        scales = json.loads(path.read_text())
        integers = [[round(value / scales["input_scale"]) for value in sample] for sample in self.samples]
        pairs = [{"input": given, "output": output} for given, output in zip(integers, self.described["outputs"])]
        reference = self.work / "reference.json"
        reference.write_text(json.dumps({"output_scale": scales["output_scale"], "samples": pairs}))
        given = self.work / "integers.json"
        given.write_text(json.dumps(integers[0]))
        return given, reference

    def measure_assay(self, options):
        """One run of `assay bench run zk`; its record."""
        say(f"assay, {self.name}")
        out = self.work / "assay.json"
        command = [str(options.assay), "bench", "run", "zk", "--models", str(self.folder / f"{self.name}.assay")]
        command += ["--profile", options.profile, "--samples", str(options.proofs), "--out", str(out), "--overwrite"]
        files = self.reference()
        if files is None:
            say(f"no {self.name}.scales.json: random inputs, and no accuracy")
        else:
            command += ["--input", str(files[0]), "--reference", str(files[1])]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads(out.read_text())


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
                        help="EZKL's settings, again for more [default: its own, and tuned:decomp_base=1024,decomp_legs=3]")
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
    if options.samples is not None and not 1 <= options.samples <= 1000:
        parser.error(f"--samples: expected 1 to 1000, got {options.samples}")
    proofs, options.others = PROFILES[options.profile]
    options.proofs = options.samples or proofs
    options.settings = options.settings or [("default", {}), parse_settings("tuned:decomp_base=1024,decomp_legs=3")]
    return options


def main():
    options = parse_arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    environment = Environment(options.venv.resolve(), options.timeout)
    folder, names = options.cases, options.names
    if not names:
        folder, names = digits_case(environment, options.work, options.accuracy), ["digits"]
    started_ms, measurements, ours = records.now_ms(), [], None
    for name in names:
        case = Case(folder, name, environment, options.work, options)
        if options.assay:
            run = case.measure_assay(options)
            ours = ours or {**run, "measurements": []}
            ours["measurements"] += run["measurements"]
        for settings_name, values in options.settings:
            measurements.append(case.measure_ezkl(settings_name, values, options))
    theirs = options.out / "ezkl.json"
    theirs.write_text(json.dumps(records.run(VERSION, options.profile, started_ms, measurements), indent=2) + "\n")
    say(f"written: {theirs}")
    if ours:
        own = options.out / "assay.json"
        own.write_text(json.dumps(ours, indent=2) + "\n")
        say(f"written: {own}")
        subprocess.run([str(options.assay), "bench", "compare", str(theirs), str(own)], check=True)


if __name__ == "__main__":
    main()
