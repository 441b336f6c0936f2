// A component that is not registered vanishes without a word: register here, and let the page test look for it.
import { BarChart, CustomChart, LineChart } from "echarts/charts";
import { DataZoomInsideComponent, GridComponent, MarkLineComponent, TitleComponent, TooltipComponent } from "echarts/components";
import { LabelLayout } from "echarts/features";
import * as echarts from "echarts/core";
import { CanvasRenderer, SVGRenderer } from "echarts/renderers";

echarts.use([
  BarChart, CustomChart, LineChart, DataZoomInsideComponent, GridComponent, MarkLineComponent, TitleComponent,
  TooltipComponent, LabelLayout, CanvasRenderer, SVGRenderer,
]);

export { echarts };
