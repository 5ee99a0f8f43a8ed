# What scripts/up and scripts/test share: steps that say what they do and how long they took, and the
# check of what a machine has to bring. Sourced by them with the repository's root as the folder.

# Says what begins.
say() { printf '\n==> %s\n' "$*"; }

fail() {
    printf '\nerror: %s\n' "$*" >&2
    exit 1
}

STEP_TIMES=()

# timed "What it is" command arguments…
timed() {
    local name=$1 started=$SECONDS
    shift
    say "$name"
    "$@" || fail "$name: failed after $((SECONDS - started)) s"
    STEP_TIMES+=("$(printf '%6d s  %s' $((SECONDS - started)) "$name")")
}

print_times() {
    say "Time of each step"
    printf '%s\n' "${STEP_TIMES[@]}"
    printf '%6d s  in all\n' "$SECONDS"
}

# The two commands of the README promise to need nothing but these.
require_tools() {
    command -v cargo >/dev/null 2>&1 ||
        fail "cargo is not installed; install Rust with rustup, see https://rustup.rs"
    command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 ||
        fail "there is no C compiler, which SQLite needs; on Debian and Ubuntu: apt-get install build-essential"
    cargo --version >/dev/null 2>&1 ||
        fail "cargo cannot run the toolchain of rust-toolchain.toml; try: rustup toolchain install stable"
}

# require_target TARGET: adds a target for WebAssembly where the compiler does not have it yet.
require_target() {
    local target=$1
    if [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
        echo "The target $target is installed."
        return
    fi
    command -v rustup >/dev/null 2>&1 ||
        fail "the compiler has no target $target, and there is no rustup to add it; install the
       rust-std component for $target with the package manager that Rust came from"
    rustup target add "$target" ||
        fail "rustup could not add the target $target. It downloads from static.rust-lang.org: check
       that this machine reaches it, or a mirror named by RUSTUP_DIST_SERVER, then run
       'rustup target add $target' and start again"
}
