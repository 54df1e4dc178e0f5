#include "server/verify_inputs.hpp"

#include "data/input_file.hpp"

#include <array>

namespace netcompute::server {
namespace fs = std::filesystem;
namespace {

/// Where the receipt says, or else, as it may come from another PC, by its name alone.
Result<fs::path> find_input(const jobs::JobInput& input, const fs::path& root) {
    const fs::path named{input.path};
    const std::array<fs::path, 3> places{root / named, root / "Data" / named.filename(),
                                         root / named.filename()};
    std::error_code error;
    for (const fs::path& place : places) {
        if (fs::is_regular_file(place, error)) return fs::weakly_canonical(place, error);
    }
    return unexpected(ErrorCode::NotFound,
                      "input " + input.name + ": " + input.path + " is not below " +
                          fs::weakly_canonical(root, error).string() +
                          ": get the file whose SHA-256 is " + to_hex(input.sha256) +
                          ", and name the folder that holds Data/ with --root");
}

}  // namespace

Result<nlohmann::json> params_here(const engine::Receipt& receipt, const fs::path& root) {
    nlohmann::json params = receipt.params;
    for (const jobs::JobInput& input : receipt.inputs) {
        const auto file = find_input(input, root);
        if (!file) return unexpected(file.error());
        const auto opened = data::InputFile::open(*file);
        if (!opened) return unexpected(opened.error());
        const auto sha256 = opened->sha256();
        if (!sha256) return unexpected(sha256.error());
        if (*sha256 != input.sha256) {
            return unexpected(ErrorCode::InvalidArgument,
                              "input " + input.name + ": " + file->string() +
                                  " is not the file that the job read: its SHA-256 is " +
                                  to_hex(*sha256) + ", that one's is " + to_hex(input.sha256));
        }
        params[input.name] = file->string();
    }
    return params;
}

}  // namespace netcompute::server
