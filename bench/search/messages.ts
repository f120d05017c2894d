// What Nora and her assistant said to each other.
import type { Message } from './labelled.ts';

export const messages: readonly Message[] = [
  {
    text: 'The boiler is dripping again and the pressure gauge sits below one bar. Who did we call last winter?',
    asked: ['heating broken', 'water leaking from our furnace', 'boiler pressure'],
  },
  {
    role: 'assistant',
    text: 'Last winter you called Pryce & Daughters on Coronation Road; the visit cost £140 and they changed the expansion vessel.',
    asked: ['plumber we used before', 'how much did the repairman charge', 'Pryce'],
    about: 'heating',
  },
  {
    text: 'Ivy lost her second front tooth at breakfast. She wants to write a letter to the tooth fairy tonight.',
    asked: ['my daughter milk teeth', 'child dental milestone'],
  },
  {
    text: 'Please remember: Leo cannot have cashews or pistachios. His face swelled up at the playgroup party.',
    asked: ['nut allergy', 'foods our toddler must avoid', 'cashews'],
    about: 'leo',
  },
  {
    text: 'Which gate did they say for the ferry? I think it was the north terminal, boarding from half past six.',
    asked: ['when does the ship leave', 'ferry terminal'],
  },
  {
    text: 'I keep waking at three and cannot get back to sleep. Tea after lunch is probably a bad idea.',
    asked: ['insomnia', 'lying awake at night because of caffeine'],
  },
  {
    role: 'assistant',
    text: 'For the sourdough: feed the starter the evening before, mix at eight, fold every half hour four times, and bake at 240 degrees in a closed pot.',
    asked: ['how to make bread', 'recipe for a loaf', 'sourdough'],
    about: 'cooking',
  },
  {
    text: 'Biscuit ate half a bar of dark chocolate. She weighs eleven kilos. Is that dangerous?',
    asked: ['dog poisoned', 'pet swallowed something toxic', 'chocolate'],
    about: 'dog',
  },
  {
    text: 'The neighbours complained about the drums. We agreed: no playing after seven, and never on Sundays.',
    asked: ['noise agreement with people next door', 'quiet hours for music', 'drums'],
  },
  {
    text: 'My password manager locked me out on the old phone. The recovery codes are in the blue tin above the fridge.',
    asked: ['where did I hide my backup keys', 'recovery codes'],
  },
  {
    text: 'Tom is thinking of leaving the hospital and going freelance as a physiotherapist. We would lose his pension contributions.',
    asked: ['husband wants to quit his job', 'self-employment of my partner', 'physiotherapist'],
  },
  {
    text: 'Mum forgot the stove on again. I am worried about her living by herself in Leeds.',
    asked: ['elderly parent memory problems', 'mother alone at home dementia', 'stove'],
    about: 'mother',
  },
  {
    role: 'assistant',
    text: 'You said the paint for the hallway is Farrow “Skimming Stone”, eggshell, two and a half litres.',
    asked: ['colour of the corridor walls', 'hallway paint'],
    about: 'renovation',
  },
  {
    text: 'The bicycle makes a grinding noise whenever I change down on a hill. The chain was new in May.',
    asked: ['bike gears need adjusting', 'cycle repair', 'grinding chain'],
    about: 'bicycle',
  },
  {
    text: 'Someone tried to pay 900 euros with my card in Warsaw. I blocked it in the app.',
    asked: ['credit fraud', 'stolen bank details abroad', 'Warsaw'],
    about: 'money',
  },
  {
    role: 'assistant',
    text: 'The quickest way to Cardiff with two children is the 8:42 from Temple Meads; seats are reserved in coach C.',
    asked: ['train to Wales', 'rail tickets with the kids', 'coach C seats'],
  },
  {
    text: 'Gift idea for Amara: the big atlas of birds, or a voucher for the pottery wheel.',
    asked: ['birthday present for a friend', 'Amara'],
  },
  {
    text: 'Choir is moving to Thursdays because the church hall has a leak. I am singing alto in the Fauré.',
    asked: ['which evening do we rehearse', 'my voice part', 'alto'],
    about: 'choir',
  },
  {
    text: 'I promised Priya to read her thesis chapter on timber frames before she hands it in.',
    asked: ['proofreading for a colleague', 'academic draft about wooden buildings', 'thesis'],
  },
  {
    text: 'My knee hurts going downstairs since the half marathon. Ice does not help any more.',
    asked: ['running injury', 'joint pain after a race', 'knee'],
    about: 'health',
  },
  {
    role: 'assistant',
    text: 'The recycling van comes every second Wednesday; glass goes into the green box, garden clippings are collected only if you subscribe.',
    asked: ['when is rubbish picked up', 'waste disposal schedule', 'green box'],
  },
  {
    text: 'Could you find out whether our travel policy covers skiing off the marked slopes?',
    asked: ['holiday insurance for winter sports', 'skiing'],
  },
  {
    text: 'The tomatoes have black spots on the lower leaves. Blight, maybe? The allotment next to ours has it too.',
    asked: ['vegetable plants diseased', 'fungus in the garden', 'tomatoes blight'],
    about: 'allotment',
  },
  {
    text: 'I gave the spare set of house keys to Mrs Abernathy at number nine.',
    asked: ['who can let us in when locked out', 'Abernathy'],
  },
  {
    role: 'assistant',
    text: 'The film you were trying to remember is “The Secret of Kells”, an Irish animation about monks and an illuminated book.',
    asked: ['cartoon movie', 'Kells'],
  },
  {
    text: 'Hold off on the electric car. The lease on the Skoda runs until October and there is a penalty.',
    asked: ['ending the vehicle contract early', 'buying an EV', 'Skoda lease'],
    about: 'car',
  },
  {
    text: 'Grandpa’s watch stopped. The jeweller in Clifton said the mainspring is gone and quoted 180.',
    asked: ['repairing an heirloom timepiece', 'mainspring'],
  },
  {
    text: 'For the interview: ask her how she deals with a contractor who ignores drawings, and about the Bath library.',
    asked: ['questions for a job candidate', 'hiring conversation', 'interview'],
    about: 'hiring',
  },
];
