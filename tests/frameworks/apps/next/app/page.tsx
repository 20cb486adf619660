import { Breathing } from '../components/Breathing';
import { Removable } from '../components/Removable';

export default function Page() {
  return (
    <Removable>
      <Breathing />
    </Removable>
  );
}
