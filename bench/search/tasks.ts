// What Nora has to do.
import type { Task } from './labelled.ts';

export const tasks: readonly Task[] = [
  {
    title: 'Renew passports',
    text: 'Ivy’s runs out in July; new photographs, no smiling.',
    asked: ['travel documents expire', 'passports'],
    about: 'lisbon',
  },
  {
    title: 'Bleed the radiators',
    text: 'Start downstairs; the little brass key hangs by the meter.',
    asked: ['cold heaters upstairs air', 'radiators'],
    about: 'heating',
  },
  {
    title: 'Book the sweep',
    text: 'Before the first fire in autumn. The nest from last year may still be up there.',
    asked: ['chimney cleaning', 'fireplace maintenance', 'sweep nest'],
  },
  {
    title: 'Order new brake pads',
    text: 'Front and back, the ones without metal in them.',
    asked: ['bicycle stopping badly', 'brake pads'],
    about: 'bicycle',
  },
  {
    title: 'Send the deposit to Little Acorns',
    text: '£75, before the tenth, reference Leo L.',
    asked: ['pay nursery', 'transfer money for childcare', 'acorns'],
    about: 'leo',
  },
  {
    title: 'Appeal against the refusal',
    text: 'Ask Gareth for the heritage statement and photographs of the three other dormers in the street.',
    asked: ['fight the council decision', 'contest planning rejection', 'heritage statement'],
    about: 'renovation',
  },
  {
    title: 'Fill in the return',
    text: 'Payslips in the grey folder, interest from the savings account, the rent for the studio.',
    asked: ['do my taxes', 'annual income declaration', 'payslips'],
    about: 'money',
  },
  { title: 'Defrost the freezer', text: 'Eat the peas first.', asked: ['ice built up in the kitchen appliance', 'freezer'] },
  {
    title: 'Write a reference for Ravi',
    text: 'Two pages, on headed paper, mention the Bath library and how he ran the site.',
    asked: ['recommendation letter for leaving colleague', 'reference Ravi'],
    about: 'hiring',
  },
  {
    title: 'Advertise the assistant’s post',
    text: 'Part two, Revit, salary range in the text. Four weeks is enough.',
    asked: ['find a replacement employee', 'job vacancy', 'Revit'],
    about: 'hiring',
  },
  {
    title: 'Ring Oakfield about the mornings',
    text: 'Could they come at half past seven, and would it be the same person each time?',
    asked: ['care arrangements for my mother', 'Oakfield'],
    about: 'mother',
  },
  {
    title: 'Fence behind the compost',
    text: 'Two panels blew over. Concrete spurs, and borrow the post driver.',
    asked: ['storm damage outside', 'repair garden boundary', 'fence panels'],
    about: 'allotment',
  },
  {
    title: 'Sow broad beans',
    text: 'A double row under fleece, after the garlic is out.',
    asked: ['plant vegetables', 'seeds for spring', 'broad beans'],
    about: 'allotment',
  },
  {
    title: 'Practise the Sanctus',
    text: 'Bars 30 to 48 by heart; the entry after the organ is always late.',
    asked: ['rehearse my singing', 'learn music from memory', 'Sanctus'],
    about: 'choir',
  },
  {
    title: 'Cancel Streamly',
    text: 'Nobody watches it since the football ended.',
    asked: ['stop paying for television', 'unsubscribe', 'Streamly cancel'],
    about: 'money',
  },
  {
    title: 'Take the watch to Clifton',
    text: 'Ask for the old parts back.',
    asked: ['jeweller', 'mend grandfather’s clock', 'watch Clifton'],
  },
  {
    title: 'Compare quotes for the windows',
    text: 'Wood, not plastic; slim double glazing; ask each how long the putty lasts.',
    asked: ['replace old glass panes', 'energy saving frames offers', 'glazing quotes'],
    about: 'renovation',
  },
  {
    title: 'Teach Ivy to ride without stabilisers',
    text: 'The tarmac by the cricket ground is flat and there are no cars.',
    asked: ['help my daughter learn cycling', 'stabilisers'],
    about: 'ivy',
  },
  {
    title: 'Costume for World Book Day',
    text: 'She wants to be the badger. Grey felt, white ribbon, old balaclava.',
    asked: ['fancy dress for school', 'sew disguise for a child', 'badger'],
    about: 'ivy',
  },
  {
    title: 'Change the smoke alarm batteries',
    text: 'The one on the landing chirps every forty seconds.',
    asked: ['fire detector beeping', 'smoke alarm'],
  },
  {
    title: 'Lag the pipes in the loft',
    text: 'Foam sleeves, 22 mm; they froze in December.',
    asked: ['insulate plumbing against cold', 'foam sleeves'],
    about: 'heating',
  },
  {
    title: 'Return the carpet cleaner',
    text: 'Rinse the tank. They shut at four on Saturdays.',
    asked: ['give back borrowed equipment', 'carpet tank'],
  },
  {
    title: 'Make a will',
    text: 'Guardians first: Amara has said yes. Mirror ones are cheaper than two.',
    asked: ['who raises our kids if we die', 'inheritance legal paperwork', 'guardians'],
  },
  {
    title: 'Back up the photographs',
    text: 'Second disk, kept at the studio; the one at home clicks.',
    asked: ['save pictures before the drive fails', 'copy family images', 'second disk'],
  },
  {
    title: 'Ask about the noise test',
    text: 'Two firms, one day on site each, before half term.',
    asked: ['acoustics consultant', 'measure sound in the classroom', 'noise test'],
    about: 'hartley',
  },
  {
    title: 'Draw the cheaper roof',
    text: 'Plywood cassettes instead of steel, same fall, no gutter above the door.',
    asked: ['redesign to reduce building costs', 'plywood cassettes'],
    about: 'hartley',
  },
  {
    title: 'Weigh Biscuit',
    text: 'Half a cup less if she is still over eleven.',
    asked: ['overweight dog', 'put our pet on a diet', 'Biscuit'],
    about: 'dog',
  },
  {
    title: 'Donate the pram',
    text: 'The women’s refuge collects on Mondays.',
    asked: ['give away baby things', 'charity for stroller', 'refuge'],
  },
];
