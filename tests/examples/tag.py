"""tag: learns its toy, keeps it, and answers from what it kept; reads CoNLL-U and IOB2; what it refuses."""
import re

from program import Program

program = Program()
asked = "they duck near the duck.\n\nthe blickness will park ."
right = ["they/PRON duck/VERB near/ADP the/DET duck/NOUN ./PUNCT", "", "the/DET blickness/NOUN will/AUX park/VERB ./PUNCT"]

# three epochs of the toy: scored, kept, and lines answered, on two ranks as on one
out = program.run("--mesh", "tp2", "--epochs", 3, "--folder", "toy", lines=asked)
program.expect(re.search(r"^epoch 3: training loss .*accuracy (9[5-9]|100)[.0-9]* % of \d+ words", out, re.M), "not learned")
program.expect(out.splitlines()[-3:] == right, "wrong answers")
program.expect(program.run("--folder", "toy", "--answer", lines=asked).splitlines() == right, "other answers of one rank")
program.expect(program.run("--folder", "toy", "--answer") == "", "an answer to nothing")
out = program.run("--folder", "toy", "--answer", lines="the duck " * 100)
program.expect(out.count("the/DET") == 100 and len(out.split()) == 200, "a long line lost words")
out = program.run("--folder", "toy", "--answer", lines='say "(they) duck"? ...')
program.expect(re.sub(r"/[A-Z]+", "", out) == 'say " ( they ) duck " ? . . .\n', "punctuation is not apart")

# sentences of one's own: entities, universal tags
program.write("names.iob2", "Ann B-PER\nsaw O\nNew B-LOC\nYork I-LOC\n\nshe O\nslept O\n")
one = "1\tducks\tduck\tNOUN\t_\t_\t0\troot\t_\t_\n2\tpark\tpark\tVERB\t_\t_\t1\tdep\t_\t_\n\n"
program.write("one.conllu", one)
program.write("two.conllu", one + one)
own = ["--folder", "own", "--size", "small", "--most-steps", 1]
out = program.run("--text", "names.iob2", "--held-out", "names.iob2", "--score", "names.iob2", *own)
program.expect(re.search(r"^'names.iob2': entity F1 [\d.]+ %, accuracy [\d.]+ % of 6 words$", out, re.M), "no entity F1")
out = program.run("--text", "two.conllu", "--replace", *own)
program.expect(re.search("1 sentences to learn, .* 1 held out, 2 tags", out), "one was not held out")

program.refuses(2, "there is no option --txt", "--txt", "one.conllu")
program.refuses(2, "--held-out needs the sentences to learn", "--held-out", "one.conllu")
program.refuses(2, "--answer trains nothing", "--answer", "--text", "one.conllu")
program.expect(not (program.folder / "tag.model").exists(), "a folder was made")
program.refuses(65, "holds no model", "--folder", "nowhere", "--answer")
program.refuses(65, "is a model of size 'small', not base", "--folder", "toy", "--answer", "--size", "base")
program.refuses(65, "'missing.conllu' does not exist", "--text", "missing.conllu", *own)
program.refuses(65, "cannot be learned from and held out", "--text", "one.conllu", *own)
program.write("wrong.iob2", "Ann B-PER\nsaw\n")
program.refuses(65, "line 2: 'saw' is not a word, a space or tab, and its tag", "--text", "wrong.iob2", *own)
program.write("many.iob2", "".join(f"w B-{i}\nw I-{i}\n" for i in range(40)))
program.refuses(65, "have 80 tags, and this program's axis of tags holds 64", "--text", "many.iob2", "--held-out", "many.iob2", "--replace", *own)
program.refuses(65, "the tag 'B-PER' is not one of the", "--folder", "toy", "--answer", "--score", "names.iob2")
program.done()
