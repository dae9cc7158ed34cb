/** Gives whoever asks the same answer, be it a rejection; asked for when it is needed first. */
export function once<Answer extends object>(ask: () => Answer): () => Answer {
  let answer: Answer | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

/** The same for each of many questions, which are told apart by their names. */
export function onceEach<Question, Answer extends object>(
  nameOf: (question: Question) => string,
  ask: (question: Question) => Answer,
): (question: Question) => Answer {
  const answers = new Map<string, Answer>();
  return question => {
    const name = nameOf(question);
    const answer = answers.get(name) ?? ask(question);
    answers.set(name, answer);
    return answer;
  };
}
