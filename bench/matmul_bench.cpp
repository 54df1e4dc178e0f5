// The matmul kernel on one core, by itself: each of this machine's Highway targets, WebAssembly in
// Node, and NumPy where there is one. A task reads and writes whole matrices, packing included.
//
// The bound: a product of n x n matrices makes 2 n^3 operations and moves 3 n^2 values, 171
// operations a byte at n = 512 in f32, so not memory limits it but the core: a vector's
// multiplication and its addition are two operations of the machine, where a fused one would be
// one. A core that begins two vector operations a cycle makes 2 x 8 f32 operations a cycle with
// AVX2, 2 x 16 with AVX-512. The kernel prints what it reached as GFLOP/s; by the core's clock that
// is the share of the bound.
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/kernels/matmul.hpp>

#include <CLI/CLI.hpp>
#include <hwy/highway.h>
#include <hwy/targets.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace netcompute::bench {
namespace {

struct Sizes {
    std::uint32_t n = 512;
    int passes = 100;
    std::string python;  ///< One that has NumPy; empty: nothing is compared.
    std::string node = "node";
};

struct Figures {
    double f32 = 0;
    double f64 = 0;
};

template <typename T>
Bytes random_block(std::uint32_t n, std::uint32_t matrix) {
    Bytes bytes;
    ByteWriter writer{bytes};
    for (std::uint32_t i = 0; i < n; ++i) {
        for (std::uint32_t j = 0; j < n; ++j) {
            writer.number(static_cast<T>(kernels::random_matrix_value(1, matrix, i, j)));
        }
    }
    return bytes;
}

/// The GFLOP/s of the best pass.
template <typename T>
double measure(const Sizes& sizes) {
    const std::uint32_t n = sizes.n;
    const Bytes task = kernels::encode_matmul({sizeof(T), n, n, n});
    const Bytes a = random_block<T>(n, 0);
    const Bytes b = random_block<T>(n, 1);
    const std::array<ByteSpan, 4> inputs{task, a, b, ByteSpan{}};
    double best = std::numeric_limits<double>::infinity();
    for (int pass = 0; pass < sizes.passes; ++pass) {
        const auto start = std::chrono::steady_clock::now();
        const auto output = kernels::run_once(*kernels::find_kernel("matmul", 1), inputs);
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        if (!output) throw std::runtime_error(output.error().message);
        best = std::min(best, seconds.count());
    }
    return 2e-9 * n * n * n / best;
}

Figures said_by(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe{::popen(command.c_str(), "r"), ::pclose};
    std::array<char, 4096> text{};
    if (!pipe || std::fgets(text.data(), text.size(), pipe.get()) == nullptr) {
        throw std::runtime_error(command + " said nothing");
    }
    const auto said = nlohmann::json::parse(text.data());
    return {said.at("float32"), said.at("float64")};
}

void print(const char* name, const Figures& figures, const char* beside, const Figures& others) {
    std::printf("%-22s %8.1f %8.1f GFLOP/s", name, figures.f32, figures.f64);
    if (others.f32 > 0) {
        std::printf("   %.2f %.2f of %s", figures.f32 / others.f32, figures.f64 / others.f64,
                    beside);
    }
    std::printf("\n");
}

void run(const Sizes& sizes) {
    std::printf("%u x %u, one core         f32      f64\n", sizes.n, sizes.n);
    const std::string arguments = std::to_string(sizes.n) + " " + std::to_string(sizes.passes);
    Figures numpy;
    if (!sizes.python.empty()) {
        numpy =
            said_by(sizes.python + " " NETCOMPUTE_SOURCE_DIR "/bench/matmul_peer.py " + arguments);
        print("NumPy", numpy, "", {});
    }
    Figures avx2;
    for (const auto target : hwy::SupportedAndGeneratedTargets()) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
        const Figures figures{measure<float>(sizes), measure<double>(sizes)};
        if (target == HWY_AVX2) avx2 = figures;
        print(hwy::TargetName(target), figures, "NumPy", numpy);
    }
    hwy::SetSupportedTargetsForTest(0);
    const Figures wasm = said_by(
        sizes.node +
        " " NETCOMPUTE_SOURCE_DIR "/bench/matmul_wasm.mjs " NETCOMPUTE_WASM_FOLDER " " + arguments);
    print("WebAssembly", wasm, "our AVX2", avx2);
}

}  // namespace
}  // namespace netcompute::bench

int main(int argc, char** argv) {
    CLI::App app{"The matmul kernel on one core, beside NumPy"};
    netcompute::bench::Sizes sizes;
    bool quick = false;
    app.add_option("--n", sizes.n, "Rows and columns")->capture_default_str();
    app.add_option("--passes", sizes.passes)->capture_default_str();
    app.add_option("--numpy", sizes.python, "A Python that has NumPy");
    app.add_option("--node", sizes.node)->capture_default_str();
    app.add_flag("--quick", quick, "A second, to see that it works; the figures mean little");
    CLI11_PARSE(app, argc, argv);
    if (quick) sizes = {.n = 96, .passes = 2, .python = {}, .node = sizes.node};
    try {
        netcompute::bench::run(sizes);
        return 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "netcompute_matmul_bench: %s\n", problem.what());
        return 1;
    }
}
