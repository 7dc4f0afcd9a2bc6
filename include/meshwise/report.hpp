// Everything of report/: what a program did: loss curves, a progress bar, records of collectives.
#pragma once

#include <meshwise/report/flight_log.hpp>
#include <meshwise/report/loss_curve.hpp>
#include <meshwise/report/progress_bar.hpp>
