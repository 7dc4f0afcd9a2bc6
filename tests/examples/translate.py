"""translate: learns a little of the toy, keeps it, and answers from what it kept; what it refuses."""
import re

from program import Program

program = Program()
asked = "the third of march nineteen eighty seven\n\n5 june 2013\njuly the first, two thousand and two"

# some steps of the toy on two ranks: the loss falls, an epoch is scored, lines are answered
out = program.run("--mesh", "tp2", "--most-steps", 150, "--folder", "toy", lines=asked)
losses = [float(loss) for loss in re.findall(r"^step .* loss ([0-9.]+)", out, re.M)]
program.expect(len(losses) > 5 and losses[-1] < 0.6 * losses[0], "the loss did not fall")
program.expect(re.search(r"^epoch 1: training loss .*BLEU = .*exactly right, kept$", out, re.M), "no score of an epoch")
answers = out.splitlines()[-4:]
program.expect(answers[1] == "" and answers[0] != "" and answers[2] != "" and answers[3] != "", "not a line for a line")
program.expect(all(re.fullmatch(r"[-0-9]*", line) for line in answers), "answers that are no dates")
names = sorted(file.name for file in (program.folder / "toy").iterdir())
program.expect(names == ["merges.txt", "model.json", "vocab.json", "weights.safetensors"], f"kept {names}")

# what was kept answers the same, on one rank, and then nothing else is written; no input ends the program
program.expect(program.run("--folder", "toy", "--answer", lines=asked) == "\n".join(answers) + "\n", "other answers")
program.expect(program.run("--folder", "toy", "--answer") == "", "an answer to nothing")
program.run("--folder", "toy", "--answer", lines="one " * 500)
program.expect("lines cut after 63 tokens: 1\n" in program.err and program.out.count("\n") == 1, "a long line was not cut")

# texts of one's own: what does not fit is counted, a score of a file
words = ["red", "green", "blue", "old", "new", "house", "tree", "river"]
source = [f"the {a} {b}" for a in words for b in words] + ["", "far " * 90]
target = [f"{b} {a}" for a in words for b in words] + ["nothing", "far"]
program.write("source.txt", "\n".join(source) + "\n")
program.write("target.txt", "\n".join(target) + "\n")
own = ["--source", "source.txt", "--target", "target.txt", "--held-out-source", "source.txt", "--held-out-target", "target.txt"]
out = program.run(*own, "--size", "small", "--most-steps", 5, "--folder", "own", lines="the red house\n")
program.expect("64 pairs to learn" in out and "2 pairs dropped" in out, "dropped pairs were not counted")
scores = ["--score-source", "source.txt", "--score-target", "target.txt"]
out = program.run("--folder", "own", "--answer", *scores)
program.expect(re.match(r"BLEU = [0-9.]+ .*hyp_len = \d+ ref_len = 130\)", out), "no score of a file")

# options that do not fit together, before anything is done
program.refuses(2, "--source and --target belong together", "--source", "source.txt")
program.refuses(2, "texts to learn need others", "--source", "source.txt", "--target", "target.txt")
program.refuses(2, "--score-source and --score-target", "--score-target", "target.txt")
program.refuses(2, "--answer trains nothing", "--answer", *own)
program.refuses(2, "there is no option --sources; did you mean --source?", "--sources", "x")
program.refuses(2, "one of 1, tp2", "--mesh", "tp3")
program.expect(not (program.folder / "translate.model").exists(), "a folder was made")

# files and folders of no use
program.refuses(65, "holds no model", "--folder", "nowhere", "--answer")
program.refuses(65, "is a model of size 'small', not base", "--folder", "toy", "--answer", "--size", "base")
program.write("shorter.txt", "only\n")
program.refuses(65, "'source.txt' has 66 lines and text file 'shorter.txt' has 1", *own, "--target", "shorter.txt")
program.refuses(65, "'missing.txt' does not exist", *own, "--source", "missing.txt")
card = program.folder / "toy" / "model.json"
card.write_text(card.read_text().replace("translate", "tag"))
program.refuses(65, "is a model of the program 'tag'", "--folder", "toy", "--answer")
program.refuses(65, "is a model of the program 'tag'", "--folder", "toy", "--most-steps", 1)
program.refuses(65, "is no folder of a model", "--folder", ".", "--most-steps", 1)
card.write_text(card.read_text().replace("tag", "translate"))
(program.folder / "toy" / "weights.safetensors").write_bytes(b"")
program.run("--folder", "toy", "--answer", code=65)
program.done()
