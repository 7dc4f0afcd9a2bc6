"""train_gpt: two steps on two ranks; what it prints, and its share of known words counted again here; what it refuses."""
import re
from pathlib import Path

from program import Program

program = Program()
plays = Path(__file__).resolve().parents[2] / "examples/texts/shakespeare.txt"


def words(text):
    return [word.lower() for word in re.findall(r"[A-Za-z]+(?:'[A-Za-z]+)*", text)]


out = program.run("--steps", 2, "--speak", 60, "--temperature", 1, "--prompt", "My lord,")
program.expect("mesh dp=1 tp=2, 2 ranks" in out and "work of one rank" in out, "no plan")
apart = re.findall(r"^  step \d +([0-9.]+) +([0-9.]+) ", out, re.M)
program.expect(len(apart) == 3 and all(abs(float(a) - float(b)) < 1e-3 for a, b in apart), "no proof against one rank")
program.expect(re.search(r"^step 2/2 .*loss ", out, re.M), "no progress")
program.expect(re.search(r"^held-out loss [0-9.]+; the curve is in ", out, re.M), "no held-out loss")
program.expect("</svg>" in (program.folder / "train_gpt.loss.svg").read_text(), "no curve")
said, found, of = re.search(r'goes on from "My lord,":\n\nMy lord,(.*)\n\n(\d+) of (\d+) words \(\d+ %\)', out, re.S).groups()
known = set(words(plays.read_text()))
program.expect(all(len(line) <= 80 for line in said.splitlines()), "a line longer than 80 columns")
program.expect(int(of) == len(words(said)) and int(of) > 5, f"{of} words, not {len(words(said))}")
program.expect(int(found) == sum(word in known for word in words(said)), f"{found} words found")

program.refuses(65, "'missing.txt' does not exist", "--text", "missing.txt")
program.refuses(65, "but training needs", "--text", program.write("short.txt", "too short a text\n"))
program.refuses(65, "--resume needs the folder of checkpoints", "--resume")
program.refuses(65, "the prompt is empty", "--prompt", "")
# what is resumed is progress; options are those of the new call, or refused
def held_out():
    return re.search(r"^held-out loss ([0-9.]+);", program.out, re.M).group(1)


run = ["--mesh", "1", "--speak", 0, "--checkpoint", "runs", "--checkpoint-every", 1]
program.run(*run, "--steps", 2)
before = held_out()
program.refuses(65, "has a checkpoint of step 2; go on from it with --resume", *run, "--steps", 4)
program.write("other.txt", plays.read_text() + "\nAnother line.\n")
program.refuses(65, "was trained on another text", *run, "--resume", "--steps", 4, "--text", "other.txt")
program.refuses(65, "was trained with --seed 1; give the same", *run, "--resume", "--steps", 4, "--seed", 2)
program.refuses(65, "is beyond --steps 1", *run, "--resume", "--steps", 1)
program.run(*run, "--resume", "--steps", 2)
program.expect(held_out() == before, f"held-out loss {held_out()} of nothing more to train, {before} before")
program.run(*run, "--resume", "--steps", 3, "--learning-rate", 0)
program.expect(held_out() == before, f"a learning rate of 0 moved the held-out loss from {before} to {held_out()}")
program.expect((program.folder / "runs" / "step-000003").is_dir(), "a longer --steps was ignored")
program.run(*run, "--resume", "--steps", 5, "--learning-rate", 0.01)
program.expect(held_out() != before, "a new learning rate was ignored")
program.done()
