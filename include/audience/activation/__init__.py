"""What changed, the gate, the push ledger, and the platforms: brings each destination to the desired state.

`push.activate` is the way in; `destinations/` has one file per platform. Nothing is imported here: a DAG file asks this
package for the names of the platforms and must parse in no time.
"""
