// start: trains and answers, in the size and on the mesh that were asked for; what goes wrong is a sentence and a code.
#pragma once

#include <exception>

#include "model_folder.hpp"
#include "text_options.hpp"

namespace examples {

/// Calls train<Size, S>(folder), unless there is only to answer, and answer<Size, S>(folder). Small is for the toy, Base for
/// files; Places<Size, ranks>::strategy is S. Returns the program's exit code.
template <class Small, class Base, template <class, std::size_t> class Places, class Train, class Answer>
int start(text_options how, bool is_toy, Train train, Answer answer) {
    try {
        model_folder const folder(how.folder);
        if (how.answer)
            how.size = folder.card(program_name(), how.size).size;
        else if (how.size.empty())
            how.size = is_toy ? Small::name : Base::name;
        auto const run = [&]<class Size, class S>(Size, S) {
            if (!how.answer) train.template operator()<Size, S>(folder);
            answer.template operator()<Size, S>(folder);
        };
        auto const in = [&]<class Size>(Size size) {
            how.mesh == "1" ? run(size, typename Places<Size, 1>::strategy{})
                            : run(size, typename Places<Size, 2>::strategy{});
        };
        if (how.size == Small::name)
            in(Small{});
        else if (how.size == Base::name)
            in(Base{});
        else
            throw meshwise::input_error(
                meshwise::path_in_quotes(how.folder) +
                " is a model of a size that is none of this program's; train it anew");
    } catch (std::exception const& problem) { return report(problem); }
    return finish();
}

}  // namespace examples
