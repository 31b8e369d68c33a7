const COMMIT = 'heads receipts segments turns journal signals';
const RECORD = 'heads turns journal';
const SIGNAL = 'heads turns signals';

/**
 * The writing transactions of the script's turn, in order, by the stores that they take. A change here asks for a look at
 * each point where a worker may die.
 */
export const SEAMS: readonly string[] = [
  'heads', // the lease
  'heads receipts segments chains tombs turns journal signals', // the question is accepted, below a new root
  RECORD, // the text so far
  RECORD, // the answer with two calls, and that they start
  RECORD, // the first call's outcome
  COMMIT, // the round
  RECORD, // the failed attempt
  RECORD, // that the wait is over
  RECORD, // the answer with the call that is to be approved
  RECORD, // that it waits for the approval
  SIGNAL, // the approval
  RECORD, // that it starts
  COMMIT, // the round
  RECORD, // the text so far
  COMMIT, // the answer, and the end
];

/** The number of the one that stores the approval. */
export const APPROVAL = SEAMS.indexOf(SIGNAL);
