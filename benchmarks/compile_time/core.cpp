// What compiler explorers and older compilers see: the types alone.
#include <meshwise/core/axis.hpp>
#include <meshwise/core/error.hpp>
#include <meshwise/core/layout.hpp>
#include <meshwise/core/mesh.hpp>
#include <meshwise/core/per_rank.hpp>
#include <meshwise/core/placement.hpp>
#include <meshwise/core/relations.hpp>
#include <meshwise/core/rules.hpp>
#include <meshwise/core/strategy.hpp>
#include <meshwise/core/type_list.hpp>
#include <meshwise/core/uniform.hpp>
#include <meshwise/core/verdict.hpp>
