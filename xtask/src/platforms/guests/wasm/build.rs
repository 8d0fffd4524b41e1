//! One memory for all threads, and what the host needs to give each its own stack and thread-local data.

fn main() {
    for argument in [
        "--import-memory",
        "--shared-memory",
        "--max-memory=16777216",
        "--export=__stack_pointer",
        "--export=__heap_base",
        "--export=__wasm_init_tls",
        "--export=__tls_size",
        "--export=__tls_align",
    ] {
        println!("cargo::rustc-link-arg={argument}");
    }
}
