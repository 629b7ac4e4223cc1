"""The steps of EZKL, each in a process of its own: `python -P steps.py NAME < arguments.json > answer.json`.

Times are taken around the library's call, inside the process. `-P` keeps this folder off the module path, where
`ezkl.py` would hide the library of that name.
"""

import asyncio
import inspect
import json
import resource
import sys
import time

import ezkl


def processor_ns():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return int((usage.ru_utime + usage.ru_stime) * 1e9)


def resident_peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def call(function, *arguments, **options):
    """Calls the library, some of whose functions must be awaited; returns the result and its times."""

    async def await_if_needed():
        result = function(*arguments, **options)
        return await result if inspect.isawaitable(result) else result

    wall, processor = time.perf_counter_ns(), processor_ns()
    result = asyncio.run(await_if_needed())
    return result, {"wall_ns": time.perf_counter_ns() - wall, "processor_ns": processor_ns() - processor}


def timed(function, *arguments, **options):
    """Calls the library, which answers False when it fails without saying why."""
    result, times = call(function, *arguments, **options)
    if result is False:
        raise RuntimeError(f"ezkl.{function.__name__} answered False")
    return times


def settings(a):
    """Settings before calibration: EZKL's own, and what was asked for."""
    run_arguments = ezkl.PyRunArgs()
    run_arguments.input_visibility = "public"
    run_arguments.output_visibility = "public"
    run_arguments.param_visibility = "fixed"
    for name, value in a["run_arguments"].items():
        if not hasattr(run_arguments, name):
            raise ValueError(f"setting {name}: EZKL has no such setting")
        setattr(run_arguments, name, type(getattr(run_arguments, name))(value))
    return timed(ezkl.gen_settings, a["onnx"], a["settings"], py_run_args=run_arguments)


def calibrate(a):
    return timed(ezkl.calibrate_settings, a["calibration"], a["onnx"], a["settings"], a["target"],
                 lookup_safety_margin=2.0, scales=a["scales"], max_logrows=a["logrows_max"])


def compile_circuit(a):
    return timed(ezkl.compile_circuit, a["onnx"], a["circuit"], a["settings"])


def setup_parameters(a):
    return timed(ezkl.gen_srs, a["srs"], a["k"])


def keys(a):
    return timed(ezkl.setup, a["circuit"], a["verifying_key"], a["proving_key"], a["srs"])


def load_proving_key(a):
    load = ezkl.gen_vk_from_pk_single
    return {"times": [timed(load, a["proving_key"], a["settings"], a["again"]) for _ in range(a["repetitions"])]}


def witnesses(a):
    pairs = zip(a["inputs"], a["witnesses"], strict=True)
    return {"times": [timed(ezkl.gen_witness, given, a["circuit"], made) for given, made in pairs]}


def prove(a):
    return timed(ezkl.prove, a["witness"], a["circuit"], a["proving_key"], a["proof"], a["srs"])


def verify(a):
    times = []
    for proof in a["proofs"]:
        result, time_of_one = call(ezkl.verify, proof, a["settings"], a["verifying_key"], a["srs"])
        if result is not True:
            raise RuntimeError(f"the proof {proof} does not verify")
        times.append(time_of_one)
    return {"times": times}


def refuse(a):
    """A proof whose last public output was changed; refusing it is an answer of False or an exception."""
    with open(a["proof"]) as file:
        proof = json.load(file)
    last = proof["instances"][0][-1]
    proof["instances"][0][-1] = ("01" if last[:2] != "01" else "02") + last[2:]
    # The readable copy would tell on it before the proof is looked at.
    proof["pretty_public_inputs"] = None
    with open(a["altered"], "w") as file:
        json.dump(proof, file)
    try:
        result, _ = call(ezkl.verify, a["altered"], a["settings"], a["verifying_key"], a["srs"])
    except RuntimeError as error:
        return {"refused": True, "said": str(error)[:200]}
    return {"refused": result is not True, "said": ""}


def accuracy(a):
    """Integer outputs, scaled back, against the float network's."""
    agreements, error_max = 0, 0.0
    for given, expected in zip(a["inputs"], a["outputs"], strict=True):
        timed(ezkl.gen_witness, given, a["circuit"], a["witness"])
        with open(a["witness"]) as file:
            rows = json.load(file)["pretty_elements"]["rescaled_outputs"]
        got = [float(value) for row in rows for value in row]
        if len(got) != len(expected):
            raise ValueError(f"expected {len(expected)} outputs, got {len(got)}")
        agreements += got.index(max(got)) == expected.index(max(expected))
        error_max = max(error_max, *(abs(x - y) for x, y in zip(got, expected)))
    return {"samples": len(a["outputs"]), "argmax_agreements": agreements, "error_max": error_max}


STEPS = [settings, calibrate, compile_circuit, setup_parameters, keys, load_proving_key, witnesses, prove, verify,
         refuse, accuracy]

if __name__ == "__main__":
    step = {step.__name__: step for step in STEPS}[sys.argv[1]]
    given = json.load(sys.stdin)
    idle_bytes = resident_peak_bytes()
    answer = step(given)
    # EZKL prints to the standard output too, so the answer is a file.
    with open(given["answer"], "w") as file:
        json.dump({**answer, "idle_bytes": idle_bytes}, file)
