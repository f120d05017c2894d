// Who is in the story of the demo, what they work on, and how they talk. In a template, {name} is filled in.

type Some<T> = readonly [T, ...T[]];
export type Person = { readonly name: string; readonly address: string };
export type Project = {
  readonly name: string;
  readonly isWork: boolean;
  /** From when to when in the year, as parts of it. */
  readonly from: number;
  readonly to: number;
  readonly people: Some<Person>;
  /** What is to be done, as one writes it on a list. */
  readonly deeds: Some<string>;
  /** What it is about, as it stands in a sentence. */
  readonly matters: Some<string>;
  readonly places: Some<string>;
};

const person = (name: string, domain: string): Person => ({
  name,
  address: `${name
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(/[^a-z ]/g, '')
    .replace(' ', '.')}@${domain}`,
});

export const me = { display_name: 'Robin Hale', timezone: 'Europe/Vienna', locale: 'en-GB' } as const;

const mara = person('Mara Lindner', 'northlight.example');
const tobias = person('Tobias Renner', 'northlight.example');
const ines = person('Inês Duarte', 'northlight.example');
const pavel = person('Pavel Novák', 'harbourmuseum.example');
const gwen = person('Gwen Ashby', 'harbourmuseum.example');
const yusuf = person('Yusuf Demir', 'demir-kitchens.example');
const elke = person('Elke Brandt', 'brandt-electrics.example');
const clara = person('Clara Hale', 'post.example');
const jonas = person('Jonas Hale', 'post.example');
const sofia = person('Sofia Marin', 'post.example');
const henrik = person('Henrik Vall', 'post.example');
const anna = person('Anna Weiss', 'danube-runners.example');

export const projects: Some<Project> = [
  {
    name: 'Harbour Museum website',
    isWork: true,
    from: 0,
    to: 0.55,
    people: [pavel, gwen, mara],
    deeds: [
      'Collect the texts for the exhibition pages',
      'Draw the new ticket page',
      'Move the photo archive',
      'Check the contrast of the maps',
      'Write the redirects for the old addresses',
      'Test the booking with a screen reader',
      'Agree on the launch date',
      'Estimate the second phase',
    ],
    matters: [
      'the ticket page',
      'the photo archive',
      'the opening hours',
      'the English texts',
      'the launch',
      'the booking form',
      'the map of the docks',
    ],
    places: ['Harbour Museum, room 2', 'Northlight office', 'Online'],
  },
  {
    name: 'Autumn budget',
    isWork: true,
    from: 0.4,
    to: 0.7,
    people: [tobias, mara],
    deeds: [
      'Gather the costs of last quarter',
      'Compare the hosting offers',
      'Plan the hours of the team',
      'Send the draft to Tobias',
      'Explain the travel costs',
    ],
    matters: ['the hosting costs', 'the travel budget', 'the second designer', 'the licences', 'the draft for the board'],
    places: ['Northlight office', 'Online'],
  },
  {
    name: 'Library catalogue',
    isWork: true,
    from: 0.5,
    to: 1,
    people: [ines, mara, tobias],
    deeds: [
      'Interview the librarians',
      'Sketch the search page',
      'Clean up the duplicate authors',
      'Measure how long a search takes',
      'Prepare the workshop',
      'Write down what we learnt from the test',
      'Decide on the filters',
    ],
    matters: ['the search page', 'the duplicate authors', 'the workshop', 'the test with readers', 'the filters', 'the loan reminders'],
    places: ['City library', 'Northlight office', 'Online'],
  },
  {
    name: 'New kitchen',
    isWork: false,
    from: 0.1,
    to: 0.6,
    people: [yusuf, elke, clara],
    deeds: [
      'Measure the niche for the fridge',
      'Choose the worktop',
      'Ask Elke about the sockets',
      'Empty the cupboards',
      'Pay the deposit',
      'Find a place for the old table',
      'Order the tap',
    ],
    matters: ['the worktop', 'the sockets', 'the delivery', 'the tiles', 'the deposit', 'the oven'],
    places: ['Home', 'Demir Kitchens'],
  },
  {
    name: 'Half marathon',
    isWork: false,
    from: 0,
    to: 0.45,
    people: [anna, henrik],
    deeds: [
      'Register for the half marathon',
      'Buy new running shoes',
      'Plan the long runs',
      'Book the physiotherapist',
      'Pick up the start number',
    ],
    matters: ['the long run', 'the shoes', 'the route along the canal', 'the start numbers', 'the training plan'],
    places: ['Prater', 'Danube island'],
  },
  {
    name: 'Mum’s seventieth',
    isWork: false,
    from: 0.35,
    to: 0.65,
    people: [clara, jonas],
    deeds: [
      'Book the garden restaurant',
      'Collect old photos',
      'Write the invitations',
      'Order the cake',
      'Practise the song with Jonas',
      'Find a present',
    ],
    matters: ['the guest list', 'the garden', 'the photo book', 'the cake', 'the song', 'the present'],
    places: ['Garden restaurant', 'Home', 'At Clara’s'],
  },
  {
    name: 'Two weeks in Portugal',
    isWork: false,
    from: 0.6,
    to: 0.95,
    people: [sofia, henrik],
    deeds: [
      'Compare the night trains',
      'Book the flat in Porto',
      'Renew the passport',
      'Reserve the surf lesson',
      'Make a packing list',
      'Ask the neighbours to water the plants',
    ],
    matters: ['the flat in Porto', 'the trains', 'the surf lesson', 'the ferry', 'the restaurants that Inês told me of', 'the way back'],
    places: ['Home', 'Café Jelinek'],
  },
];

export const subjects: Some<string> = [
  'About {matter}',
  '{project}: {matter}',
  'A question on {matter}',
  'News on {matter}',
  'What shall we do with {matter}?',
];
export const letters: Some<string> = [
  'Hi Robin,\n\nI have had a look at {matter} and think that we are nearly there. Could you see to one thing until {day}: {deed}?\n\nBest,\n{name}',
  'Dear Robin,\n\nthere is a change in {matter}. It will take a week longer than we said, but it costs no more. Is that all right for you?\n\nKind regards\n{name}',
  'Hello Robin,\n\njust a short note on {matter}: I sent the last version round this morning. Two points are open, and I would like to settle them on {day}.\n\n{name}',
  'Hi Robin,\n\nwho is looking after {matter} while you are away? If nobody is, I could do it, but then somebody else would have to take over on {day}.\n\nThanks!\n{name}',
  'Robin,\n\nthis is better than I had hoped. {Matter} can stay as it is. What is left on your side: {deed}.\n\nSee you on {day}\n{name}',
];
export const replies: Some<string> = [
  'Hi {name},\n\nthanks, that helps. {Day} is fine with me; I will have looked at {matter} by then.\n\nRobin',
  'Dear {name},\n\na week longer is no problem. Let us talk about {matter} on {day}.\n\nBest wishes\nRobin',
  'Hello {name},\n\nI have put it on my list: {deed}. You will hear from me by {day}.\n\nRobin',
  'Hi {name},\n\nI would rather not decide on {matter} by mail. Can I call you on {day}?\n\nRobin',
];
export const closings: Some<string> = [
  'Perfect, until {day} then.\n\n{name}',
  'Thank you! That is all I needed for {matter}.\n\n{name}',
  'Good. I will tell the others.\n\n{name}',
];
export const meetings: Some<string> = ['{project}: {matter}', 'Talk about {matter}', 'Call with {name}', '{project}, next steps'];
export const notes: Some<string> = [
  '# {title}\n\nWith {name}.\n\n- On {matter} we agree.\n- Open: {deed}.\n- We meet again on {day}.\n',
  '# {title}\n\n{name} showed where {matter} stands.\n\n## Decided\n\n- We keep the plan.\n\n## To do\n\n- {deed}\n',
  '# {title}\n\n1. What went well: {matter}.\n2. What did not: we began too late.\n3. Next: {deed}, until {day}.\n',
];
export const questions: Some<string> = [
  'What is still open in “{project}”?',
  'Can you sum up what {name} wrote about {matter}?',
  'When do I have time to talk about {matter} this week?',
  'Remind me what we decided on {matter}.',
  'Help me write to {name} about {matter}.',
];
export const answers: Some<string> = [
  'Two things are open in “{project}”: {deed}, and the question of {matter}. The first is due on {day}.',
  '{name} is content with {matter}, and asks you to do one thing: {deed}. I have put it on your list.',
  'You are free on {day} from two o’clock on. Shall I put in half an hour with {name}?',
  'You decided to keep {matter} as it is and to look at it again on {day}. The notes are with the last meeting.',
  'Here is a beginning: “Hi {name}, thank you for your note on {matter}. Could we settle the rest on {day}?”',
];
export const thanks: Some<string> = [
  'Thanks, that is all for now.',
  'Yes, please.',
  'Good. And tell me again the day before.',
  'Not this week, rather the next.',
];
export const newsletters: Some<{ readonly from: Person; readonly subject: string; readonly text: string }> = [
  {
    from: person('City Library', 'library.example'),
    subject: 'Two of your loans are due soon',
    text: 'Please bring back or renew: “The Sea Around Us”, “A Pattern Language”.',
  },
  {
    from: person('Danube Runners', 'danube-runners.example'),
    subject: 'This week: hills',
    text: 'We meet at six at the old bridge. Bring a light, it gets dark early.',
  },
  {
    from: person('Alpine Rail', 'rail.example'),
    subject: 'Your ticket',
    text: 'Thank you for travelling with us. Your ticket is valid on the day that you chose.',
  },
  {
    from: person('Green Box', 'greenbox.example'),
    subject: 'Your vegetables of the week',
    text: 'Pumpkin, leek, beetroot, two kinds of apples, and a surprise.',
  },
  {
    from: person('Northlight Payroll', 'northlight.example'),
    subject: 'Your pay slip is ready',
    text: 'You find the pay slip of last month in the usual place.',
  },
];
export const days: Some<string> = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'];
