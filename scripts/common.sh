# What run.sh and test.sh share: installing what is missing, and building. Sourced from the
# repository's folder, never run.

# What each command needs of the system, as Debian 12 and Ubuntu name it. Boost is not in a list:
# its package's name holds its version.
packages_to_build=(
    g++ cmake ninja-build pkg-config
    libzmq3-dev cppzmq-dev libssl-dev libsqlite3-dev zlib1g-dev libzstd-dev
    nlohmann-json3-dev libhwy-dev libspdlog-dev libfmt-dev libcli11-dev
    emscripten)
packages_to_test=(
    libgtest-dev libgmock-dev libbenchmark-dev libeigen3-dev libmpfr-dev
    clang-format-14 npm chromium curl python3 libmozjs-102-dev)
packages_to_unpack=(nginx caddy)  # For tests: installed, they would serve port 80 from now on.
packages_to_sanitize=(clang libclang-rt-dev llvm lld)  # Beside the two lists above.

boost_version_min=108100  # As BOOST_VERSION has it: 1.81.

say() { printf '%s: %s\n' "$program" "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

# is_there PACKAGE: installed from a package, or, for two that also come by other ways, just there.
is_there() {
    case $1 in
    npm) command -v npm >/dev/null && return ;;
    chromium)
        [ -n "${NETCOMPUTE_CHROMIUM-}" ] && return
        command -v chromium chromium-browser google-chrome >/dev/null && return
        ;;
    esac
    case $'\n'$installed_packages$'\n' in *$'\n'"$1"$'\n'*) return 0 ;; esac
    return 1
}

# Whether the compiler finds Boost's headers, and new enough ones.
is_boost_there() {
    local version header
    for header in /usr/local/include/boost/version.hpp /usr/include/boost/version.hpp; do
        [ -e "$header" ] || continue
        version=$(awk '$1 == "#define" && $2 == "BOOST_VERSION" {print $3}' "$header")
        [ "$version" -ge "$boost_version_min" ]
        return
    done
    return 1
}

# The oldest package of Boost's headers that is new enough; needs apt's lists.
boost_package() {
    apt-cache pkgnames libboost1. | sed -n 's/^libboost1\.\([0-9]*\)-dev$/\1/p' | sort -n |
        awk '$1 >= 81 {print "libboost1." $1 "-dev"; exit}'
}

# Debian lets one version of Boost's headers be installed. Taking away the other one, which
# something else on this PC may be built with, is for its owner to decide.
refuse_old_boost() {
    local old
    old=$(dpkg-query --show --showformat='${db:Status-Abbrev}${Package}\n' 'libboost1.*-dev' \
        2>/dev/null | sed -n 's/^ii *\(libboost1\.\([0-7][0-9]\|80\)-dev\)$/\1/p') || true
    [ -n "$old" ] || return 0
    fail "$old is installed, NetCompute needs Boost 1.81 or newer, and only one of them can be" \
        "installed at a time. If nothing here needs the old one: sudo apt-get remove $old" \
        "(then run this again)"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "packages are missing and there is no sudo; as root, run: $*"
    fi
}

# install_packages PACKAGE...: installs those that are missing. Uses no network when none is.
install_packages() {
    local package missing=() needs_boost=
    command -v dpkg-query >/dev/null || fail "this is not a Debian or Ubuntu system;" \
        "README.md, \"Other systems\", says what is needed instead"
    installed_packages=$(dpkg-query --show --showformat='${db:Status-Abbrev}${Package}\n' "$@" \
        2>/dev/null | sed -n 's/^ii *//p') || true
    for package in "$@"; do is_there "$package" || missing+=("$package"); done
    is_boost_there || needs_boost=1
    [ ${#missing[@]} = 0 ] && [ -z "$needs_boost" ] && return
    [ -n "$needs_boost" ] && refuse_old_boost

    mkdir -p build
    local log=build/install.log
    say "installing ${missing[*]} ${needs_boost:+and Boost }(a few minutes; the log is $log)"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
    as_root "${apt[@]}" update >"$log" 2>&1 || fail_with_log "$log" "apt-get update failed"
    if [ -n "$needs_boost" ]; then
        package=$(boost_package)
        [ -n "$package" ] || fail "no package of Boost 1.81 or newer on this system; it needs" \
            "Debian 12, Ubuntu 24.04, or a newer one"
        missing+=("$package")
    fi
    # Ubuntu has Chromium as a snap only, which cannot be driven like this.
    case " ${missing[*]} " in
    *" chromium "*)
        apt-cache show chromium >/dev/null 2>&1 || fail "this system has no package chromium;" \
            "install Google Chrome's package, or say where a browser is: NETCOMPUTE_CHROMIUM=FILE"
        ;;
    esac
    # Never at the cost of a package that somebody else put here.
    as_root "${apt[@]}" install -y --no-install-recommends --no-remove "${missing[@]}" \
        >>"$log" 2>&1 || fail_with_log "$log" "apt-get could not install ${missing[*]}"
}

# unpack_packages PACKAGE...: puts the programs of packages into build/unpacked, unless they are
# installed. Nothing is set up or started, and nobody has to be root.
unpack_packages() {
    local package folder=$PWD/build/unpacked log=$PWD/build/install.log
    for package in "$@"; do
        [ -x "/usr/sbin/$package" ] || [ -x "/usr/bin/$package" ] && continue
        [ -d "$folder/$package" ] && continue
        mkdir -p "$folder"
        say "unpacking $package for the tests into build/unpacked"
        (
            cd "$folder"
            apt-get download "$package" ||
                { as_root apt-get -q update && apt-get download "$package"; }
            dpkg-deb --extract "$package"_*.deb "$package.new"
            rm -f "$package"_*.deb
            mv "$package.new" "$package"
        ) >>"$log" 2>&1 || fail_with_log "$log" "$package could not be fetched"
    done
}

# Tests use packages from npm, as the lock file pins them.
install_node_packages() {
    local wanted stamp=node_modules/.package-lock.sha256
    wanted=$(sha256sum package-lock.json)
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return
    say "installing the npm packages that the tests use"
    npm ci --no-audit --no-fund >&2 || fail "npm ci failed; its message is above"
    printf '%s\n' "$wanted" >"$stamp"
}

fail_with_log() {
    tail -n 25 "$1" >&2
    fail "$2; see above and $1"
}

# How many compilers may run: one a core, and one a GB of memory.
build_jobs() {
    local cores gigabytes
    cores=$(nproc)
    gigabytes=$(awk '$1 == "MemTotal:" {print int($2 / 1000000)}' /proc/meminfo)
    [ "$gigabytes" -lt "$cores" ] && cores=$gigabytes
    [ "$cores" -lt 1 ] && cores=1
    echo "$cores"
}

# How many tests may run: most of them wait most of the time, for a lease to run out or a worker to
# be missed, so a core has room for two.
tests_at_a_time() { echo $((2 * $(nproc))); }

# build TESTS [TARGET...]: configures if it must (TESTS is ON, or OFF if it does not matter) and
# builds the targets, or all. A build folder that once had the tests keeps them.
build() {
    local tests=$1 configured=
    shift
    if [ -f build/build.ninja ]; then
        configured=$(sed -n 's/^NETCOMPUTE_TESTS:BOOL=//p' build/CMakeCache.txt)
    fi
    if [ -z "$configured" ] || [ "$tests:$configured" = ON:OFF ]; then
        mkdir -p build
        cmake --preset release "-DNETCOMPUTE_TESTS=$tests" >build/configure.log 2>&1 ||
            fail_with_log build/configure.log "cmake could not configure the build"
    fi
    cmake --build build --parallel "$(build_jobs)" ${1+--target "$@"} >&2 ||
        fail "the build failed; its errors are above"
}

# build_with_sanitizers PRESET TARGET...: builds the targets with a preset of CMakePresets.json that
# has sanitizers, in its own folder.
build_with_sanitizers() {
    local preset=$1 folder=build-${1%-ubsan}
    shift
    mkdir -p "$folder"
    cmake --preset "$preset" >"$folder/configure.log" 2>&1 ||
        fail_with_log "$folder/configure.log" "cmake could not configure $folder"
    say "building $folder: $*"
    cmake --build "$folder" --parallel "$(build_jobs)" --target "$@" >&2 ||
        fail "the build with sanitizers failed; its errors are above"
}

# without_random_addresses COMMAND...: the sanitizers of clang 14 want places in memory that newer
# kernels, whose addresses are more random, may give to others. Some containers forbid to ask.
without_random_addresses() {
    if setarch -R true 2>/dev/null; then setarch -R "$@"; else "$@"; fi
}
