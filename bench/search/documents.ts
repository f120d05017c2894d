// What Nora wrote down.
import type { Document } from './labelled.ts';

export const documents: readonly Document[] = [
  {
    title: 'Packing list',
    text: 'Hats, sun cream, swimming things, armbands. Plug adapters. Leo’s rabbit. Calpol, plasters, tweezers. Two paperbacks each. Leave the good towels.',
    asked: ['what to take on vacation', 'luggage', 'sun cream'],
    about: 'lisbon',
  },
  {
    title: 'Notes on the loft',
    text: 'The joists are seven inches by two and will not carry a floor; they need doubling. Head height under the ridge is 2.25 m. A stair over the existing one works if the bathroom door moves. Bats have been seen in Cotham, so a survey may be wanted before anything is opened.',
    asked: ['attic conversion', 'structural beams too weak', 'wildlife check before construction', 'joists'],
    about: 'renovation',
  },
  {
    title: 'Household budget',
    text: 'Mortgage 1,180. Energy 212. Council 190. Food 720. Nursery 460. Savings 300, of which 100 for the roof. What is left is for clothes, trips and the unexpected.',
    asked: ['monthly spending', 'our family finances', 'council food savings'],
    about: 'money',
  },
  {
    title: 'Emergency contacts',
    text: 'Gas leak 0800 111 999. Dr Osei 0117 555 0140. Poison line. Mrs Abernathy has a key. Tom’s ward sister answers faster than his mobile.',
    asked: ['phone numbers in case something happens', 'urgent telephone', 'gas leak'],
  },
  {
    title: 'Grandma’s cardamom buns',
    text: 'Scald the milk, let it cool until it is warm to the wrist. Yeast, sugar, butter in small pieces, cardamom crushed not ground. Prove until doubled. Roll, butter, fold in three, cut, twist, tie. Prove again. Eight minutes in a hot oven.',
    asked: ['Swedish pastry recipe', 'bake sweet rolls', 'cardamom'],
    about: 'cooking',
  },
  {
    title: 'Lentil soup for weeknights',
    text: 'Onion, carrot, celery, cumin. Red lentils, stock, a tin of tomatoes. Twenty minutes. Lemon at the end. Freezes well; Ivy eats it if it is smooth.',
    asked: ['quick dinner for the family', 'vegan cooking', 'lentil cumin'],
    about: 'cooking',
  },
  {
    title: 'How we run a site meeting',
    text: 'The agenda goes out on Monday. Contractor first, then the engineer, client last. Every action has one name and one date. Minutes within a day or they are fiction. Photographs are numbered. Nobody leaves before the programme has been read aloud.',
    asked: ['rules for construction discussions', 'guidelines about taking protocol at work', 'site meeting agenda'],
  },
  {
    title: 'Interview questions',
    text: 'Tell us about a drawing you are proud of. When did a builder last change your mind? What would you leave out of our Bath library? How do you like to be told that something is wrong?',
    asked: ['what to ask job candidates', 'hiring checklist', 'proud drawing'],
    about: 'hiring',
  },
  {
    title: 'Hartley Primary: brief',
    text: 'Two classrooms, a group room, lavatories that small children can use by themselves, and cover between the old building and the new. Built in one summer. The oak stays. Daylight from two sides. A budget of 1.1 million including fees.',
    asked: ['school extension requirements', 'client wishes for the new wing', 'oak daylight'],
    about: 'hartley',
  },
  {
    title: 'Acoustics, what I learned',
    text: 'Speech gets lost when the reverberation time is over 0.6 seconds. Soft ceilings help more than curtains. A hard floor is fine if the walls are not parallel. Rooms for the hard of hearing want 0.4.',
    asked: ['echo in classrooms', 'sound absorption', 'reverberation'],
    about: 'hartley',
  },
  {
    title: 'Mum: medicines',
    text: 'Morning: amlodipine 5 mg, metformin 500 mg with food. Evening: atorvastatin 20 mg. Not with grapefruit. The pharmacy on Street Lane fills the weekly box on Thursdays.',
    asked: ['pills my mother takes', 'drugs for diabetes and blood pressure', 'metformin'],
    about: 'mother',
  },
  {
    title: 'Questions for the care home',
    text: 'How many staff at night? May she bring the piano? Who decides when she needs more? Is there a garden without steps? What happens when the money is gone?',
    asked: ['choosing a residence for old people', 'nursing facility visit', 'piano garden steps'],
    about: 'mother',
  },
  {
    title: 'Plot plan 2026',
    text: 'Bed one: beans, then leeks. Bed two: early potatoes, then kale. Bed three: squash with sweetcorn. Bed four rests under clover. The greenhouse is for cucumbers only, after last year.',
    asked: ['which vegetables grow where', 'crop rotation', 'squash sweetcorn'],
    about: 'allotment',
  },
  {
    title: 'Compost',
    text: 'Brown and green in turn, as much of one as of the other. Turn it when it cools. No cooked food: rats. Coffee grounds from the café on Fridays.',
    asked: ['rotting garden waste into soil', 'fertiliser from kitchen scraps', 'coffee grounds'],
    about: 'allotment',
  },
  {
    title: 'Glazes that worked',
    text: 'Tenmoku over white breaks well on rims. Celadon needs to be thick. The matt blue runs: stay a finger above the foot. Never wax over a damp pot.',
    asked: ['pottery coatings', 'ceramic surface colours', 'celadon'],
    about: 'pottery',
  },
  {
    title: 'Half marathon plan',
    text: 'Week one: three easy outings and one longer at the weekend. Add a tenth each week and ease off every fourth. Hills on Wednesdays. Sleep is training as well.',
    asked: ['running schedule', 'prepare for a race', 'hills Wednesdays'],
    about: 'health',
  },
  {
    title: 'Exercises for the knee',
    text: 'Step downs, ten each side. Bridge, hold for five breaths. Calf raises on the stair. Clams with the green band. Stop when it is sharp, go on when it is dull.',
    asked: ['physiotherapy for my leg', 'strengthening workout', 'green band'],
    about: 'health',
  },
  {
    title: 'Router and wifi',
    text: 'The box under the stairs restarts if you hold the pin for ten seconds. Guest network: “lindqvist-visitors”. If the light is red the fault is outside; ring the provider and ask for line test B.',
    asked: ['internet does not work', 'wireless for our guests', 'line test B'],
  },
  {
    title: 'Bedtime',
    text: 'Bath at half six. One story each, chosen by the other. Lights out at half seven. If Leo comes down, walk him back without talking.',
    asked: ['putting children to sleep', 'evening routine kids', 'Leo lights'],
    about: 'leo',
  },
  {
    title: 'Books to read',
    text: 'Piranesi. The Summer Book. A Pattern Language, again. Something by Elizabeth Taylor, the other one. Ask Kate for the one about eels.',
    asked: ['literature wish list', 'novels recommended by friends', 'eels'],
  },
  {
    title: 'Moving to Bristol, twelve years ago',
    text: 'We came with a van and a cactus. The flat on Picton Street had mice and a view of balloons. I cycled to the practice every day for a year before anyone asked where I was from. Tom proposed on the suspension bridge in the rain, with the ring in a film canister.',
    asked: ['how my husband and I got engaged', 'first apartment memories', 'suspension bridge'],
  },
  {
    title: 'Wedding anniversary, ideas',
    text: 'A night in the lighthouse. The restaurant with one table. Dancing lessons, which he would hate for a week. Breakfast on the balloon field.',
    asked: ['romantic surprise for my husband', 'celebrate our marriage', 'lighthouse'],
  },
  {
    title: 'Skoda: what was done when',
    text: '41,000: front discs, oil. 48,500: clutch. 52,000: cam belt, water pump. The rattle is the heat shield. Winter tyres are at the garage on Feeder Road.',
    asked: ['car maintenance history', 'automobile repairs', 'cam belt'],
    about: 'car',
  },
  {
    title: 'Rules for the studio kitchen',
    text: 'Wash your own. Label what is yours. Milk is shared and so is buying it. The dishwasher is emptied by whoever finds it clean.',
    asked: ['office cleanliness', 'chores among coworkers', 'dishwasher milk'],
  },
  {
    title: 'Passwords: how we keep them',
    text: 'One long sentence for the manager, nothing written down but the recovery codes. A second factor for banks and for the mail. Tom has an envelope.',
    asked: ['secure logins', 'two-step authentication for accounts', 'envelope'],
  },
  {
    title: 'Winter in the house',
    text: 'Drain the outside tap in November. Clear the gutters when the last leaf is down. Salt by the door. Let the heating tick over when we are away, twelve degrees.',
    asked: ['prepare our home for frost', 'seasonal maintenance', 'gutters'],
    about: 'heating',
  },
  {
    title: 'Museum competition: first thoughts',
    text: 'A street rather than a hall. Light from above that one never sees the source of. The ship as the last thing you find. Brick that has been somewhere before. One ramp, no stairs, for everybody.',
    asked: ['accessible exhibition building concept', 'architecture contest entry', 'brick ramp'],
  },
  {
    title: 'What the children said',
    text: '“Is the moon following only us?” Ivy, four. “I am not tired, my legs are.” Leo, two and a half. “When you were little, was everything grey?” Ivy, six, about photographs.',
    asked: ['funny quotes from the kids', 'moon following'],
    about: 'ivy',
  },
];
