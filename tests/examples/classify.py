"""classify: learns its toy, keeps it, and answers from what it kept; reads files of three kinds; what it refuses."""
import re

from program import Program

program = Program()
asked = "the film is lovely .\n\nthe plot is dull .\ni think the music is not awful ."


def labels(lines):
    return [line.split("\t")[0] for line in lines]


# two epochs of the toy: scored, kept, and lines answered, on two ranks as on one
out = program.run("--mesh", "tp2", "--epochs", 2, "--folder", "toy", lines=asked)
program.expect(re.search(r"^epoch 2: training loss .*accuracy (9[5-9]|100)[.0-9]* %, macro F1", out, re.M), "not learned")
answers = out.splitlines()[-4:]
program.expect(labels(answers) == ["positive", "", "negative", "positive"], f"answers {answers}")
program.expect(all(re.fullmatch(r"(\w+\t[01]\.\d{3})?", line) for line in answers), f"probabilities of {answers}")
again = program.run("--folder", "toy", "--answer", lines=asked).splitlines()
program.expect(labels(again) == labels(answers), f"other answers of one rank: {again}")
program.expect(program.run("--folder", "toy", "--answer", "--mesh", "tp2", lines=asked).splitlines() == answers, "not reloaded")
program.expect(program.run("--folder", "toy", "--answer") == "", "an answer to nothing")
program.run("--folder", "toy", "--answer", lines=b"the film is lovely .\nthe caf\xe9 is dull .\nso moving\n", code=65)
program.expect(labels(program.out.splitlines()) == ["positive"], f"answers before the bad line: {program.out}")
program.expect("line 2 of standard input is not valid UTF-8 at its byte 7" in program.err, "bytes that are not UTF-8")
program.run("--folder", "toy", "--answer", lines="so " * 500)
program.expect("lines cut after 64 tokens: 1\n" in program.err and program.out.count("\n") == 1, "a long line was not cut")

# texts of one's own: a label and a text a line, a table, JSON lines
program.write("four.txt", "good the film is lovely\nbad the film is awful\ngood so moving\nbad so dull\n")
program.write("two.tsv", "good\tthe film is lovely\nbad\t" + "awful " * 90 + "\n")
program.write("three.jsonl", '{"label": 1, "text": "lovely"}\n{"label": 0, "text": "awful"}\n{"label": 1, "text": "fine"}\n')
own = ["--folder", "own", "--size", "small", "--most-steps", 1]
out = program.run("--text", "two.tsv", "--held-out", "four.txt", "--score", "four.txt", *own)
program.expect("2 texts to learn, 4 held out, 2 labels" in out, "the table was not read")
program.expect("1 texts longer than 64 tokens cut" in out, "a cut text was not counted")
program.expect(re.search(r"^'four.txt': accuracy [\d.]+ %, macro F1 [\d.]+ %$", out, re.M), "no score of a file")
program.refuses(65, "'own' holds a trained model; use it with --answer", "--text", "three.jsonl", *own)
program.expect("2 texts to learn" not in program.out, "it trained before it refused")
program.refuses(2, "leave out --replace", "--answer", "--replace", "--folder", "own")
weights = (program.folder / "own" / "weights.safetensors").read_bytes()
out = program.run("--text", "three.jsonl", "--replace", *own)
program.expect((program.folder / "own" / "weights.safetensors").read_bytes() != weights, "not replaced")
program.expect("2 texts to learn, 1 held out, 2 labels" in out, "a tenth was not held out")

program.refuses(2, "there is no option --txt", "--txt", "four.txt")
program.refuses(2, "--held-out needs the texts to learn", "--held-out", "four.txt")
program.refuses(2, "--answer trains nothing", "--answer", "--text", "four.txt")
program.expect(not (program.folder / "classify.model").exists(), "a folder was made")
program.refuses(65, "holds no model", "--folder", "nowhere", "--answer")
program.refuses(65, "is a model of size 'small', not base", "--folder", "toy", "--answer", "--size", "base")
program.refuses(65, "'missing.txt' does not exist", "--text", "missing.txt", *own)
program.write("wrong.txt", "good a b\nalone\n")
program.refuses(65, "line 2: 'alone' is not a label", "--text", "wrong.txt", *own)
program.write("wrong.tsv", "good\ta\tb\n")
program.refuses(65, "3 fields; each line is a label, a tab and a text", "--text", "wrong.tsv", *own)
program.write("many.txt", "".join(f"{i} text\n" for i in range(40)))
program.refuses(65, "have 40 labels, and this program's axis of classes holds 32", "--text", "many.txt", *own)
program.write("unknown.txt", "ugly text\n")
program.refuses(65, "the label 'ugly' is none of the 2", "--folder", "toy", "--answer", "--score", "unknown.txt")
program.done()
