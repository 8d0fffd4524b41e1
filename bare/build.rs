//! The machine that a target's programs run on: a `cfg` for the kit, a link script for the programs.
//!
//! The script is an argument of these packages alone: flags for everything would rebuild `core`.

fn main() {
    let variable = |name| std::env::var(name).expect("cargo sets it");
    let machine = match variable("TARGET").as_str() {
        "riscv32imac-unknown-none-elf" | "riscv64gc-unknown-none-elf" => "riscv",
        "aarch64-unknown-none" => "aarch64",
        "thumbv6m-none-eabi" => "microbit",
        "thumbv7m-none-eabi" | "thumbv7em-none-eabi" => "an385",
        "thumbv8m.main-none-eabi" => "an521",
        other => panic!("no machine for {other}; see bare/README.md"),
    };
    println!("cargo::rustc-check-cfg=cfg(machine, values(any()))");
    println!("cargo::rustc-cfg=machine={machine:?}");
    let scripts = format!("{}/../link", variable("CARGO_MANIFEST_DIR"));
    println!("cargo::rustc-link-search={scripts}");
    println!("cargo::rustc-link-arg=-T{machine}.ld");
    println!("cargo::rerun-if-changed={scripts}");
}
