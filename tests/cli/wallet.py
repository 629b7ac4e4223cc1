"""Drives a node by web3.py as any wallet would: reads, pays, calls the contract at 0x0300. Prints one line of JSON.

With `claim` it takes what waits for its account from another chain, and nothing else."""

import json
import sys

from web3 import Web3
from web3.exceptions import ContractLogicError, Web3RPCError

URL = sys.argv[1]
CONTRACT = "0x0000000000000000000000000000000000000300"
MICRO = 10**12


def function(name, inputs, outputs, mutability="view"):
    typed = lambda kinds: [{"name": "", "type": kind} for kind in kinds]
    return {
        "type": "function",
        "name": name,
        "inputs": typed(inputs),
        "outputs": typed(outputs),
        "stateMutability": mutability,
    }


ABI = [
    function("miningBalance", ["address"], ["uint256"]),
    function("verifyMLDSA", ["bytes", "bytes", "bytes"], ["bool"]),
    function("claimTeleport", ["bytes32"], [], "nonpayable"),
    function("pendingTeleports", ["address"], ["bytes32[]"]),
    function("submitWorkProof", ["bytes", "bytes"], ["uint256"], "nonpayable"),
]

w3 = Web3(Web3.HTTPProvider(URL))
assert w3.is_connected()
account = w3.eth.account.from_key("0x" + "46" * 32)
mining = w3.eth.contract(address=CONTRACT, abi=ABI)


def send(transaction):
    signed = account.sign_transaction(transaction)
    return w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(signed.raw_transaction), timeout=20)


def told(work):
    try:
        return ["answered", str(work())]
    except ContractLogicError as error:
        return {"data": error.data}
    except Web3RPCError as error:
        return error.rpc_response["error"]


if sys.argv[2:] == ["claim"]:
    waiting = lambda: mining.functions.pendingTeleports(account.address).call()
    pending = waiting()
    before = w3.eth.get_balance(account.address)
    call = mining.functions.claimTeleport(pending[0])
    prepared = call.build_transaction(
        {
            "from": account.address,
            "nonce": w3.eth.get_transaction_count(account.address),
            "gasPrice": w3.eth.gas_price,
            "chainId": w3.eth.chain_id,
        }
    )
    receipt = send(prepared)
    gained = w3.eth.get_balance(account.address) - before + receipt.gasUsed * receipt.effectiveGasPrice
    pending = ["0x" + claim.hex() for claim in pending]
    print(json.dumps({"pending": pending, "status": receipt.status, "left": len(waiting()), "gained": str(gained)}))
    sys.exit()

before = w3.eth.get_balance(account.address)
payee = "0x" + "07" * 20
transaction = {
    "to": Web3.to_checksum_address(payee),
    "value": 5 * MICRO,
    "nonce": w3.eth.get_transaction_count(account.address, "pending"),
    "gasPrice": w3.eth.gas_price,
    "chainId": w3.eth.chain_id,
}
transaction["gas"] = w3.eth.estimate_gas({"from": account.address, **transaction})
legacy = send(transaction)
fees = {"maxFeePerGas": w3.eth.gas_price, "maxPriorityFeePerGas": w3.eth.max_priority_fee}
newer = {key: value for key, value in transaction.items() if key != "gasPrice"}
fee_market = send({**newer, **fees, "nonce": w3.eth.get_transaction_count(account.address), "type": 2})
paid = sum(receipt.gasUsed * receipt.effectiveGasPrice for receipt in (legacy, fee_market))
found = w3.eth.get_transaction(legacy.transactionHash)
latest = w3.eth.get_block("latest")
wrong_chain = account.sign_transaction({**transaction, "chainId": 1, "nonce": 2}).raw_transaction
print(
    json.dumps(
        {
            "client": w3.client_version,
            "chain_id": w3.eth.chain_id,
            "before": str(before),
            "after": str(w3.eth.get_balance(account.address)),
            "expected": str(before - paid - 10 * MICRO),
            "payee": str(w3.eth.get_balance(Web3.to_checksum_address(payee))),
            "statuses": [legacy.status, fee_market.status],
            "sender": found["from"],
            "latest": latest.number,
            "mining_balance": str(mining.functions.miningBalance(account.address).call()),
            "verified": mining.functions.verifyMLDSA(b"\x00" * 1952, b"message", b"\x00" * 3309).call(),
            "work": told(lambda: mining.functions.submitWorkProof(b"\x01", b"\x02").call({"from": account.address})),
            "teleport": told(lambda: mining.functions.claimTeleport(b"\x01" * 32).call({"from": account.address})),
            "pending": told(lambda: mining.functions.pendingTeleports(account.address).call()),
            "wrong_chain": told(lambda: w3.eth.send_raw_transaction(wrong_chain)),
            "again": told(lambda: w3.eth.send_raw_transaction(account.sign_transaction({**transaction, "value": MICRO}).raw_transaction)),
        }
    )
)
