#pragma once

#include "simulated_master.hpp"

#include <optional>

namespace netcompute::sim {

/// What dies with the process, in the order in which it is made.
struct SimulatedMaster::Life {
    explicit Life(SimulatedMaster& master)
        : mortality{[this, &master] {
              host.close();
              master.around_.queue.after(Duration{}, [&master] { master.bury(); });
          }},
          host{master.around_.queue, master.dice_, master.time_of_day_offset_},
          ledger{master.limits_,
                 {master.around_.report,
                  [&master](WorkerId worker) { return master.is_honest(worker); },
                  [&master](WorkerId worker) { return master.is_liar(worker); }}} {
        if (master.sabotage_ == Sabotage::LoseFolds) host.lose_slow_work();
    }

    Mortality mortality;
    bool power_cut = false;
    VirtualHost host;
    Ledger ledger;
    std::optional<engine::Engine> engine;  ///< Made once the rest is in its place.
};

}  // namespace netcompute::sim
